"""Human re-grades beside the grader's own: read, kept, matched, and told by the command."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from analytics.__main__ import main
from data import spool
from data.columns import ReadOptions
from data.home import home as made_home
from data.incoming.importing import import_paths
from data.owner import Owner

# The grader's grade and the human's, and how many answers: of 40 truly wrong it finds 36, of 60
# others it clears 54: Se .9, Sp .9, 42 of 100 called wrong, so (.42 + .9 - 1) / .8 = .4.
PAIRS = {
    ("incorrect", "incorrect"): 36, ("correct", "incorrect"): 4,
    ("incorrect", "correct"): 6, ("correct", "correct"): 54,
}  # fmt: skip


def rows() -> list[dict[str, object]]:
    pairs = [pair for pair, n in PAIRS.items() for _ in range(n)]
    return [
        {"loop": "l", "iteration": 2, "question_id": f"q{i}", "origin": "benchmark",
         "grade": grader, "human": human, "confidence": 0.5}
        for i, (grader, human) in enumerate(pairs)
    ]  # fmt: skip


def table(path: Path, **columns: str) -> Path:
    """The rows as a table with these columns (name to the row's key)."""
    frame = pl.DataFrame(rows()).select(**{name: pl.col(key) for name, key in columns.items()})
    frame.write_csv(path)
    return path


KEY = {name: name for name in ("loop", "iteration", "question_id", "origin")}
GRADED = {**KEY, "grade": "grade", "confidence": "confidence"}


def brought(*paths: Path) -> list[dict[str, object]]:
    return import_paths(made_home(), list(paths), ReadOptions()).runs


def hallucination_rows(capsys: pytest.CaptureFixture[str]) -> dict:
    capsys.readouterr()
    assert main(["hallucination", "--json"]) == 0
    (total,) = (r for r in json.loads(capsys.readouterr().out) if r["level"] == "total")
    return total


@pytest.mark.parametrize("apart", [True, False])
def test_an_audit_corrects_the_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], apart: bool
) -> None:
    if apart:
        brought(table(tmp_path / "answers.csv", **GRADED))
        keys = {name: key for name, key in KEY.items() if name != "origin"}
        (run,) = brought(table(tmp_path / "audit.csv", **keys, human_grade="human"))
        assert (run["format"], run["answers"], run["replaced"]) == ("audit", 0, 0)
    else:
        brought(table(tmp_path / "answers.csv", **GRADED, human_grade="human"))
    total = hallucination_rows(capsys)
    assert total["n"] == 100 and total["rate"] == pytest.approx(0.42)
    audit = total["audit"]
    assert (audit["sensitivity"], audit["specificity"]) == pytest.approx((0.9, 0.9))
    assert audit["rate"] == pytest.approx(0.4) and audit["low"] < 0.4 < audit["high"]
    assert main(["hallucination"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "42.0 % wrong becomes 40.0 %" in printed and "100 answers at iteration 2" in printed


def test_regrades_that_fit_no_answer_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = pl.DataFrame(rows()).with_columns(origin=pl.lit("self_generated")).head(3)
    other.select(list(GRADED)).write_csv(tmp_path / "own.csv")
    brought(table(tmp_path / "answers.csv", **GRADED), tmp_path / "own.csv")
    keys = {name: key for name, key in KEY.items() if name != "origin"}
    brought(table(tmp_path / "audit.csv", **keys, human_grade="human"))
    capsys.readouterr()
    assert main(["hallucination"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert (
        "l: 3 human re-grades without a single answer of that key" in printed
        and "97 answers" in printed
    )


def test_the_same_audit_again_changes_nothing_and_forgetting_takes_it(tmp_path: Path) -> None:
    answers = table(tmp_path / "answers.csv", **GRADED)
    audit = table(tmp_path / "audit.csv", **KEY, human_grade="human")
    brought(answers, audit)
    with closing(Owner(made_home())) as owner:
        before = owner.store.generation
        audits = owner.store.query("audits", loops=None, until=None)
    assert audits["answers"].sum() == 100
    brought(audit)
    with closing(Owner(made_home())) as owner:
        assert owner.store.generation == before
        again = owner.store.query("audits", loops=None, until=None)
        assert again["answers"].sum() == 100
        spool.write_forget(made_home(), ["l"])
        owner.store.drain()
        assert owner.store.query("audits", loops=None, until=None).is_empty()


def test_an_unknown_human_grade_is_no_audit(tmp_path: Path) -> None:
    frame = pl.DataFrame(rows()).with_columns(human=pl.lit("perhaps")).head(2)
    frame.select(**KEY, human_grade="human").write_csv(tmp_path / "audit.csv")
    done = import_paths(made_home(), [tmp_path / "audit.csv"], ReadOptions())
    (skip,) = done.skipped
    assert not done.runs and "2 rows hold no known human grade: not audited" in skip.reason
