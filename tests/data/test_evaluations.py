"""Logs of evaluations as graded answers: real files of Inspect and lm-eval, published claims."""

from __future__ import annotations

import json
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from analytics.__main__ import main
from analytics.answers import claims
from data.columns import ReadOptions, RunLog, Skip
from data.home import home as made_home
from data.incoming.importing import import_paths
from data.owner import Owner
from data.readers import read

LOGS = Path(__file__).parent / "logs"
BIOGRAPHIES = Path(__file__).resolve().parent / "tables" / "biographies.jsonl"
ORDER = ["question_id", "sample_id"]


def all_of(path: Path, **options: object) -> list[RunLog | Skip]:
    return list(read([path], ReadOptions(**options)))  # type: ignore[arg-type]


def one(path: Path, **options: object) -> RunLog:
    (log,) = all_of(path, **options)
    assert isinstance(log, RunLog), log
    return log


@pytest.mark.parametrize("kind", ["eval", "json"])
def test_inspect(kind: str) -> None:
    log = one(LOGS / "inspect" / f"facts.{kind}")
    assert (log.run, log.format) == ("mockllm-model", "answers")
    rows = log.answers.sort(ORDER)
    assert rows.select(*ORDER, "answer", "grade", "grade_logged").rows() == [
        ("facts/author-emma", 0, "Sydney", "incorrect", None),
        ("facts/author-emma", 1, "Joyce", "incorrect", None),
        ("facts/author-ulysses", 0, "Sydney", "incorrect", None),
        ("facts/author-ulysses", 1, "Joyce", "incorrect", "P"),
        ("facts/capital-au", 0, "Paris", "incorrect", None),
        ("facts/capital-au", 1, "I do not know", "not_attempted", None),
        ("facts/capital-fr", 0, "Paris", "correct", None),
        ("facts/capital-fr", 1, "I do not know", "not_attempted", None),
    ]
    assert set(rows["iteration"]) == {3} and set(rows["grader"]) == {"graded"}
    assert set(rows["confidence"]) == {0.9} and set(rows["origin"]) == {"benchmark"}
    assert rows["topic"].to_list() == ["books"] * 4 + ["geography"] * 4
    assert rows["scorer match"].sum() == 1
    assert log.warnings == [
        "graded by 2 scorers (graded, match): graded is taken; name another with --gold",
        "1 partly right answers (P) are taken as incorrect",
    ]


def test_another_scorer_of_inspect_by_name() -> None:
    log = one(LOGS / "inspect" / "facts.eval", gold="match")
    assert log.answers["grade"].value_counts().sort("grade").rows() == [
        ("correct", 1), ("incorrect", 7)
    ]  # fmt: skip
    (skip,) = all_of(LOGS / "inspect" / "facts.eval", gold="nobody")
    assert isinstance(skip, Skip) and "it has graded, match" in skip.reason


def test_both_forms_of_one_inspect_log_are_the_same_answers(home: Path) -> None:
    done = import_paths(made_home(), [LOGS / "inspect"], ReadOptions())
    (run,) = done.runs
    assert (run["run"], run["answers"], run["replaced"]) == ("mockllm-model", 8, 0)


def test_lm_eval() -> None:
    choice, facts = all_of(LOGS / "lm_eval")
    assert isinstance(choice, RunLog) and isinstance(facts, RunLog)
    assert {choice.run, facts.run} == {"dummy"}
    assert facts.answers.select("question_id", "answer", "reference", "grade").rows() == [
        ("facts/0", "lol", "lol", "correct"),
        ("facts/1", "lol", "Canberra", "incorrect"),
        ("facts/2", "lol", "Jane Austen", "incorrect"),
    ]
    assert choice.answers["answer"].to_list() == ["Paris", "Canberra", "Canberra"]
    assert choice.answers["reference"].to_list() == ["Canberra"] * 3
    assert choice.answers["grade"].to_list() == ["incorrect", "correct", "correct"]
    # exp(-.0392…) / (exp(-.0392…) + exp(-.6682…))
    assert choice.answers["confidence"][0] == pytest.approx(0.652265, abs=1e-6)
    assert set(choice.answers["confidence_kind"]) == {"logprob"}


def test_a_checkpoint_in_the_folder_is_the_iteration(tmp_path: Path) -> None:
    source = next((LOGS / "lm_eval" / "dummy").glob("samples_facts_*"))
    folder = tmp_path / "outputs__r3__checkpoint-200"
    folder.mkdir()
    (folder / source.name).write_bytes(source.read_bytes())
    log = one(folder)
    assert (log.run, log.answers["iteration"].to_list()) == ("outputs__r3", [200] * 3)


def test_labels_laid_out_as_factscore_publishes_them(home: Path) -> None:
    """Supported and unsupported facts are answers, and so is each abstention."""
    (run,) = import_paths(made_home(), [BIOGRAPHIES], ReadOptions()).runs
    assert run["answers"] == 301 + 158 + 5
    with closing(Owner(made_home())) as owner:
        frame = owner.store.query("claims", run="biographies", iteration=None)
    score = claims.factscore(claims.responses(frame))
    assert (score.supported, score.not_supported, score.irrelevant) == (301, 158, 52)
    assert score.abstained == 5
    assert score.supported_share == pytest.approx(301 / (301 + 158))


def test_claims_are_told_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = []
    for labels in (["Supported"] * 3 + ["Not Supported"], ["Supported", "Irrelevant"]):
        facts = [{"self_contained_atomic_fact": f"f{i}", "annotation": label}
                 for i, label in enumerate(labels)]  # fmt: skip
        lines.append({"prompt": f"Tell me {len(labels)}", "response": "…",
                      "checked_statements": facts})  # fmt: skip
    (tmp_path / "safe.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    import_paths(made_home(), [tmp_path / "safe.jsonl"], ReadOptions())
    capsys.readouterr()
    assert main(["hallucination", "--json"]) == 0
    (total,) = (r for r in json.loads(capsys.readouterr().out) if r["level"] == "total")
    claims = total["claims"]
    assert (claims["supported"], claims["not_supported"], claims["irrelevant"]) == (4, 1, 1)
    assert claims["score"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert claims["supported_share"] == pytest.approx(0.8)
    f1 = [2 * p * r / (p + r) for p, r in ((0.75, 3 / 64), (1, 1 / 64))]
    assert claims["f1_at_64"] == pytest.approx(sum(f1) / 2)
    assert main(["hallucination"]) == 0
    assert "FActScore 62.5 % over 2 responses" in " ".join(capsys.readouterr().out.split())


def test_safe_results(tmp_path: Path) -> None:
    facts = [{"self_contained_atomic_fact": f"fact {i}", "annotation": label}
             for i, label in enumerate(["Supported", "Not Supported", "Irrelevant"])]  # fmt: skip
    line = {"prompt": "Tell me", "response": "…", "checked_statements": facts}
    (tmp_path / "safe.jsonl").write_text(json.dumps(line) + "\n")
    log = one(tmp_path / "safe.jsonl")
    assert log.answers["grade"].to_list() == ["correct", "incorrect", None]
    assert log.answers["grader"].to_list() == ["SAFE"] * 3


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return path


HEADER = json.dumps({"version": 2, "status": "success", "eval": {"task": "t", "model": "m"}})


def sample(value: object) -> bytes:
    return json.dumps({"id": "a", "epoch": 1, "scores": {"s": {"value": value}}}).encode()


def test_an_older_log_packed_by_deflate(tmp_path: Path) -> None:
    members = {"header.json": HEADER.encode(), "samples/a_epoch_1.json": sample("C")}
    assert one(zipped(tmp_path / "old.eval", members)).answers["grade"].to_list() == ["correct"]


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"header.json": HEADER.encode(), "samples/a.json": b" " * (200 << 20)}, "unpacks to more"),
        ({"header.json": b"[]"}, "no eval"),
        ({"other.json": b"{}"}, "no header.json"),
        ({"header.json": HEADER.encode(), "samples/a.json": b"{"}, "not whole JSON"),
        ({"header.json": HEADER.encode()}, "no scored answer"),
    ],
)
def test_bad_archives_are_skipped_in_words(
    tmp_path: Path, members: dict[str, bytes], sentence: str
) -> None:
    (skip,) = all_of(zipped(tmp_path / "bad.eval", members))
    assert isinstance(skip, Skip) and sentence in skip.reason


def test_a_size_that_lies_is_not_unpacked(tmp_path: Path) -> None:
    path = zipped(tmp_path / "lie.eval", {"header.json": b" " * (50 << 20) + HEADER.encode()})
    raw = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = raw.index(mark) + place
        raw[at : at + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(bytes(raw))
    (skip,) = all_of(path)
    assert isinstance(skip, Skip) and "1,001 bytes instead of 1,000" in skip.reason


@pytest.mark.parametrize("cut", [0, 10, 1000, 20000])
def test_a_cut_off_archive_is_a_skip(tmp_path: Path, cut: int) -> None:
    (tmp_path / "cut.eval").write_bytes((LOGS / "inspect" / "facts.eval").read_bytes()[:cut])
    (skip,) = all_of(tmp_path / "cut.eval")
    assert isinstance(skip, Skip) and "not a whole .eval file" in skip.reason
