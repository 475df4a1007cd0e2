"""FActScore and F1@K, on worked numbers and on the published human labels."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.answers import claims

BIOGRAPHIES = Path(__file__).resolve().parents[1] / "data" / "tables" / "biographies.jsonl"
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
    score = claims.factscore(table((4, 0, 0, False), (1, 1, 0, False), (0, 0, 0, True)))
    assert (score.score, score.scored, score.abstained) == (0.75, 2, 1)
    assert score.supported_share == pytest.approx(5 / 6)


def test_the_length_penalty_is_optional() -> None:
    short = table((5, 0, 0, False))
    assert claims.factscore(short).score == 1
    assert claims.factscore(short, gamma=10).score == pytest.approx(np.exp(-1))
    assert claims.factscore(table((20, 0, 0, False)), gamma=10).score == 1


def test_nothing_to_score_is_said() -> None:
    score = claims.factscore(table((0, 0, 0, False), (0, 0, 0, True)))
    assert np.isnan(score.score) and (score.empty, score.abstained, score.scored) == (1, 1, 0)
    assert np.isnan(score.supported_share)


def test_unknown_labels_are_counted() -> None:
    rows = pl.DataFrame({"response_id": ["a", "a", "b"], "label": ["supported", "perhaps", None]})
    responses = claims.responses(rows)
    assert responses["unknown_label"].to_list() == [1, 0] and responses["abstained"].to_list() == [
        False,
        True,
    ]


def test_labels_of_people() -> None:
    rows: list[tuple[int, str | None]] = []
    for number, line in enumerate(BIOGRAPHIES.read_text(encoding="utf-8").splitlines()):
        sentences = json.loads(line)["annotations"]
        if sentences is None:
            rows.append((number, None))
        for sentence in sentences or []:
            facts = sentence["human-atomic-facts"] or []
            rows += [(number, LABELS[fact["label"]]) for fact in facts]
    frame = pl.DataFrame(rows, schema={"response_id": pl.Int64, "label": pl.String}, orient="row")
    judged = [[label for at, label in rows if at == number and label] for number in range(24)]
    shares = [labels.count("supported") / len(labels) for labels in judged if labels]
    score = claims.factscore(claims.responses(frame))
    assert (score.supported, score.not_supported, score.irrelevant) == (301, 158, 52)
    assert (score.scored, score.abstained) == (19, 5)
    assert score.supported_share == pytest.approx(301 / 459)
    assert score.score == pytest.approx(sum(shares) / 19)
    assert score.share_high - score.share_low > 0.06  # responses, not claims, are the unit
