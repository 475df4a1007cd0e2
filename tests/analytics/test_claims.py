"""FActScore and F1@K, on worked numbers and on the published human labels."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics import claims

PUBLIC = Path(__file__).resolve().parents[3] / "shared" / "data" / "public"
LABELS = {"S": "supported", "NS": "not_supported", "IR": "irrelevant"}


def test_f1_at_k() -> None:
    assert float(claims.f1_at_k(48, 12, 64)) == pytest.approx(0.774194, abs=1e-6)
    assert float(claims.f1_at_k(48, 12, 178)) == pytest.approx(0.403361, abs=1e-6)
    assert float(claims.f1_at_k(100, 0, 64)) == 1
    assert claims.f1_at_k([0, 0], [5, 0], 64).tolist() == [0, 0]
    with pytest.raises(ValueError, match="positive"):
        claims.f1_at_k(1, 1, 0)


def table(*counts: tuple[int, int, int, bool]) -> pl.DataFrame:
    names = ["supported", "not_supported", "irrelevant", "abstained"]
    return pl.DataFrame(counts, schema=names, orient="row")


def test_abstentions_are_left_out_not_scored_zero() -> None:
    told = claims.factscore(table((4, 0, 0, False), (1, 1, 0, False), (0, 0, 0, True)))
    assert (told.score, told.scored, told.abstained) == (0.75, 2, 1)
    assert told.supported_share == pytest.approx(5 / 6)


def test_the_length_penalty_is_optional() -> None:
    short = table((5, 0, 0, False))
    assert claims.factscore(short).score == 1
    assert claims.factscore(short, gamma=10).score == pytest.approx(np.exp(-1))
    assert claims.factscore(table((20, 0, 0, False)), gamma=10).score == 1


def test_nothing_to_score_is_said() -> None:
    told = claims.factscore(table((0, 0, 0, False), (0, 0, 0, True)))
    assert np.isnan(told.score) and (told.empty, told.abstained, told.scored) == (1, 1, 0)
    assert np.isnan(told.supported_share)


def test_unknown_labels_are_counted() -> None:
    rows = pl.DataFrame({"response_id": ["a", "a", "b"], "label": ["supported", "perhaps", None]})
    told = claims.responses(rows)
    assert told["unknown_label"].to_list() == [1, 0] and told["abstained"].to_list() == [
        False,
        True,
    ]


def test_the_published_human_labels() -> None:
    file = PUBLIC / "factscore_human" / "ChatGPT.jsonl"
    if not file.exists():
        pytest.skip("the public logs are not on this machine")
    rows: list[tuple[int, str | None]] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines()):
        sentences = json.loads(line)["annotations"]
        if sentences is None:
            rows.append((number, None))
        for sentence in sentences or []:
            facts = sentence["human-atomic-facts"] or []
            rows += [(number, LABELS[fact["label"]]) for fact in facts]
    frame = pl.DataFrame(rows, schema={"response_id": pl.Int64, "label": pl.String}, orient="row")
    told = claims.factscore(claims.responses(frame))
    assert (told.supported, told.not_supported, told.irrelevant) == (3194, 1692, 540)
    assert (told.scored, told.abstained) == (157, 26)
    assert told.supported_share == pytest.approx(0.654, abs=5e-4)
    assert told.score == pytest.approx(0.583, abs=5e-4)  # the paper's 58.3 % for ChatGPT
    assert told.share_high - told.share_low > 0.06  # responses, not claims, are the unit
