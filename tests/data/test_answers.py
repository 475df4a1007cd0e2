"""Graded answers: every dialect of grades at the door, the way into the store, the rollups."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analytics.hallucination import counts, level_rows, pairs
from analytics.kept_verdicts.verdicts import judge
from data import spool
from data.columns import ANSWER_COLUMNS, CORPUS_COLUMNS, ReadOptions, RunLog, conform
from data.home import home as made_home
from data.incoming.importing import import_paths
from data.owner import Owner
from data.readers import read
from data.readers.answers import answer_parts
from data.readers.meaning import grades
from data.rows import answers as data_answers
from data.store import Store
from tests.data.tables import make_tables

LOOP = Path(__file__).resolve().parents[2] / "data" / "examples" / "loop"
TABLES = Path(__file__).resolve().parent / "tables"
ARMS = ["accumulate", "random_control", "replace", "verified"]
KEYS = ["loop", "iteration", "origin", "topic", "knowledge"]


def logs(path: Path) -> list[RunLog]:
    found = list(read([path], ReadOptions()))
    assert all(isinstance(log, RunLog) for log in found), found
    return found  # type: ignore[return-value]


def brought(*paths: Path) -> dict[str, dict]:
    done = import_paths(made_home(), list(paths), ReadOptions())
    assert not done.skipped
    return {run["run"]: run for run in done.runs}


def table(path: Path, rows: list[dict]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def answer(question: str, grade: str, **more: object) -> dict:
    return {"loop": "l", "iteration": 0, "question_id": question, "origin": "benchmark",
            "grade": grade, **more}  # fmt: skip


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        (["correct", "incorrect", "not_attempted"], ["correct", "incorrect", "not_attempted"]),
        (["A", "B", "C"], ["correct", "incorrect", "not_attempted"]),
        (["C", "I", "P", "N"], ["correct", "incorrect", "incorrect", "not_attempted"]),
        (["True", "FALSE", " true "], ["correct", "incorrect", "correct"]),
        (["1", "0", "1.0"], ["correct", "incorrect", "correct"]),
        (["C", "C"], [None, None]),  # alone it may mean either
        (["A", "I", "C"], [None, None, None]),  # two dialects at once
        (["CORRECT", "NOT_ATTEMPTED", "maybe"], ["correct", "not_attempted", None]),
    ],
)
def test_grades_at_the_door(logged: list[str], expected: list[str | None]) -> None:
    assert grades.mapped(pl.Series(logged))["grade"].to_list() == expected


def test_what_cannot_be_taken_as_it_is_is_counted_and_named(tmp_path: Path) -> None:
    rows = [
        answer("q1", "correct", confidence=0.5), answer("q1", "incorrect", confidence=0.25),
        answer("q2", "fine", confidence=85), answer("q3", "fine"), answer("q4", "meh"),
        answer("q5", "incorrect", confidence=-0.1), answer("q6", "correct", confidence=1.0),
    ]  # fmt: skip
    (log,) = logs(table(tmp_path / "a.jsonl", rows))
    assert log.warnings == [
        "3 answers have no known grade and are left out of every rate: 'fine' (2); 'meh' (1)",
        "2 confidences outside [0, 1] or not finite are taken as not measured",
        "1 questions are answered more than once under one sample, 1 of them with different "
        "grades: all are kept and averaged within the question",
    ]
    assert log.answers["confidence"].to_list() == [0.5, 0.25, None, None, None, None, 1.0]
    assert log.answers["grade_logged"].to_list() == [None, None, "fine", "fine", "meh", None, None]
    assert brought(tmp_path / "a.jsonl")["l"]["answers"] == 4
    with closing(Owner(made_home())) as owner:
        unclear = owner.store.query("answers_unclear", loops=None, until=None)
        assert unclear.row(0) == ("l", 0, "benchmark", 3, 1, 1, 1)
        total = owner.store.query("answer_counts", loops=["l"], until=None)
    assert total.select("n", "ungraded", "questions", "incorrect_share", "confidence_refused").row(
        0
    ) == (4, 3, 3, 1.5, 1)


def test_partly_right_answers_are_said_to_be_incorrect(tmp_path: Path) -> None:
    rows = [answer("a", "C"), answer("b", "P"), answer("c", "I")]
    (log,) = logs(table(tmp_path / "a.jsonl", rows))
    assert log.warnings == ["1 partly right answers (P) are taken as incorrect"]


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "jsonl", "parquet"])
def test_one_table_in_every_wrapping(tmp_path: Path, kind: str) -> None:
    frame = pl.DataFrame({
        "run_id": ["r", "r"], "step": [3, 4], "question_id": ["a", "b"], "grade": ["A", "B"],
        "confidence": [0.25, 0.75], "malformed": [True, False], "spread": [1.5, 2.5],
    })  # fmt: skip
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        frame.write_parquet(path)
    elif kind == "jsonl":
        frame.write_ndjson(path)
    else:
        text = frame.write_csv().encode()
        path.write_bytes(gzip.compress(text) if kind.endswith("gz") else text)
    (log,) = logs(path)
    assert (log.run, log.verbatim, log.format) == ("r", True, "answers")
    assert list(log.answers.columns) == [*ANSWER_COLUMNS, "spread"]
    picked = log.answers.select("iteration", "origin", "grade", "confidence", "malformed", "spread")
    assert picked.rows() == [(3, "not stated", "correct", 0.25, True, 1.5),
                             (4, "not stated", "incorrect", 0.75, False, 2.5)]  # fmt: skip


@pytest.mark.parametrize("name", make_tables.GRADES)
def test_grades_laid_out_as_simpleqa_publishes_them(home: Path, name: str) -> None:
    counted = tuple(make_tables.GRADES[name].values())
    assert brought(TABLES / f"{name}.csv.gz")[name]["answers"] == 613 == sum(counted)
    with closing(Owner(made_home())) as owner:
        frame = owner.store.query("answer_counts", loops=[name], until=None)
    assert frame.select("origin", "correct", "incorrect", "not_attempted").rows() == [
        ("benchmark", *counted)
    ]


@pytest.fixture(scope="module")
def first(shared_home: None) -> dict[str, dict[str, Any]]:
    """What the import of the bundled loop says of each run."""
    imported = import_paths(made_home(), [LOOP], ReadOptions()).runs
    # Gold comes with the table of metrics, after the generated texts made rows without it.
    assert [run["gold_evaluations"] for run in imported] == [9] * 4
    return {run["run"]: run for run in imported}


@pytest.fixture(scope="module")
def loop(first: dict[str, dict[str, Any]]) -> Iterator[Store]:
    """The store with the bundled loop."""
    with closing(Owner(made_home())) as owner:
        yield owner.store


def test_the_loop_imports_whole(loop: Store) -> None:
    runs = loop.query("runs", project=None, runs=ARMS)
    assert runs.select("run_id", "format", "points", "samples", "answers", "step_end").rows() == [
        (arm, "table", 9, 43200, 11700, 8) for arm in ARMS
    ]
    assert runs["gold_evaluations"].to_list() == [9] * 4
    corpus = loop.query("corpus", loops=ARMS, until=None)
    expected = conform(pl.read_parquet(LOOP / "corpus.parquet"), CORPUS_COLUMNS)
    order = ["loop", "iteration", "origin", "generator_iteration"]
    assert_frame_equal(corpus.sort(order), expected.sort(order))


def test_the_same_log_again_changes_nothing(loop: Store) -> None:
    before = loop.generation
    for item in read([LOOP], ReadOptions()):
        spool.write_segment(loop.home, [item], None)
    imported = [run for result in loop.drain() for run in result["runs"]]
    assert len(imported) == 16
    assert not any(run["changed"] or run["answers"] or run["replaced"] for run in imported)
    assert {(run["points"], run["gold_evaluations"]) for run in imported} == {(0, 0)}
    assert loop.generation == before


@pytest.fixture(scope="module")
def answers() -> pl.DataFrame:
    return pl.read_parquet(LOOP / "answers.parquet")


@pytest.mark.parametrize("tau", [0.8, 0.5, 0.7])
def test_counts_are_those_of_the_statistics(loop: Store, answers: pl.DataFrame, tau: float) -> None:
    expected = counts.count(answers, tau).sort(KEYS)
    found = data_answers.counts(loop.query, None, None, tau)
    assert_frame_equal(found.sort(KEYS), expected, abs_tol=1e-9)
    asked = {"loops": None, "until": None, "tau": tau, "by_training": False}
    for question in ("answer_counts_at", "answer_counts_single"):
        assert_frame_equal(loop.query(question, **asked).sort(KEYS), expected, abs_tol=1e-9)


def test_counts_by_what_was_trained_on(loop: Store, answers: pl.DataFrame) -> None:
    words = pl.when("in_loop_pool").then(pl.lit("trained on")).otherwise(pl.lit("not trained on"))
    known = answers.filter(pl.col("in_loop_pool").is_not_null())
    expected = counts.count(known.with_columns(topic=words, knowledge=pl.lit(None, pl.String)))
    asked = {"loops": None, "until": None, "tau": 0.8, "by_training": True}
    for question in ("answer_counts_at", "answer_counts_single"):
        found = loop.query(question, **asked).sort(KEYS)
        assert_frame_equal(found, expected.sort(KEYS), abs_tol=1e-9)


@pytest.mark.parametrize("compare_to", [None, 0, 5])
def test_flips_are_those_of_the_statistics(
    loop: Store, answers: pl.DataFrame, compare_to: int | None
) -> None:
    found = data_answers.flips(loop.query, None, None, compare_to)
    assert_frame_equal(found.sort(KEYS), pairs.flips(answers, compare_to).sort(KEYS), abs_tol=1e-9)


def test_clusters_and_cells_are_those_of_the_statistics(loop: Store, answers: pl.DataFrame) -> None:
    found = loop.query("answer_clusters", loops=None, until=None)
    assert_frame_equal(found.sort(KEYS), counts.clusters(answers).sort(KEYS))
    cells, keys = counts.cells(answers), [*KEYS[:3], "cell"]
    numbers = ["n", "correct", "confidence_sum", "squares_sum", "confidence_correct"]
    found = loop.query("answer_cells", loops=None, until=None).select(keys + numbers)
    expected = cells.group_by(keys).agg(pl.col(numbers).sum())
    assert_frame_equal(found.sort(keys), expected.sort(keys), abs_tol=1e-9)
    found = loop.query("answer_calibration", loops=None, until=None)
    expected = level_rows.calibration(cells).select(found.columns)
    assert_frame_equal(found.sort(KEYS), expected.sort(KEYS), abs_tol=1e-9)


def page(store: Store, **asked: object) -> pl.DataFrame:
    none = dict.fromkeys(
        ("loops", "iteration", "until", "origin", "topic", "knowledge", "grade", "search",
         "change", "compare_to")
    )  # fmt: skip
    return store.query("answers_page", **none | {"rows": 5, "skip": 0} | asked)


def test_a_page_of_answers_begins_with_the_newly_wrong(loop: Store) -> None:
    asked = {"loops": ["replace"], "iteration": 8, "origin": "benchmark", "compare_to": 0}
    first = page(loop, **asked)
    assert first["total"].to_list() == [1000] * 5
    assert first["change"].to_list() == ["newly_wrong"] * 5
    assert first["confidence"].is_sorted(descending=True), "the surest first"
    assert first["grade_before"].is_in(["correct", "not_attempted"]).all()
    assert first["answer_before"].is_not_null().all()
    assert sum(row["value"] for row in first["topics"][0]) == 1000
    assert page(loop, **asked, change="newly_wrong")["total"][0] == 631
    assert page(loop, **asked, change="newly_right")["total"][0] == 3
    assert page(loop, **asked, grade="incorrect")["total"][0] == 760
    assert page(loop, **asked, topic="town")["total"][0] == 200
    assert page(loop, **asked, knowledge="Unknown")["total"][0] == 320
    edge = page(loop, **asked, skip=630)["change"].to_list()
    assert edge == ["newly_wrong", "newly_right", "newly_right", "newly_right", None]
    seen = [
        row
        for n in range(0, 1000, 100)
        for row in page(loop, **asked, rows=100, skip=n).drop("topics").rows()
    ]
    assert len(set(seen)) == 1000


@pytest.mark.parametrize("compare_to", [None, 0])
def test_changes_over_entities_are_those_of_the_frame(
    loop: Store, answers: pl.DataFrame, compare_to: int | None
) -> None:
    """The rollup holds each once, also after segments that bring no answers."""
    found = data_answers.flip_clusters(loop.query, None, None, compare_to)
    expected = pairs.flip_clusters(answers, compare_to)
    keys = [*KEYS, "from_iteration"]
    assert_frame_equal(found.sort(keys), expected.sort(keys), abs_tol=1e-9)
    assert found.height == found.select(keys).n_unique() > 100


@pytest.mark.parametrize("text", ["Le Sofloinail", "le sofloinail", "town:21"])
def test_a_search_finds_text_as_it_stands(loop: Store, text: str) -> None:
    asked = {"loops": ["replace"], "iteration": 0, "origin": "benchmark", "topic": "town"}
    assert page(loop, **asked, search=text)["question_id"].to_list()[0] == "town:21"
    assert page(loop, **asked, search="%")["total"].len() == 0
    assert page(loop, **asked, search="' or 1=1 --")["total"].len() == 0


def test_one_question_over_the_iterations(loop: Store, answers: pl.DataFrame) -> None:
    asked = {"loops": ["replace", "verified"], "question_id": "town:30", "origin": "benchmark"}
    found = loop.query("answer_history", **asked, until=None)
    assert found.height == 18
    expected = answers.filter(loop="replace", question_id="town:30", origin="benchmark")
    expected = expected.sort("iteration")
    assert found.filter(loop="replace")["answer"].to_list() == expected["answer"].to_list()
    assert loop.query("answer_history", **asked, until=3).height == 8


def test_a_grown_log_adds_its_iterations_and_a_regraded_one_replaces(tmp_path: Path) -> None:
    rows = [
        answer(f"q{i}", "correct", iteration=t, confidence=0.9, entity_id="c" if i == "c" else "e")
        for t in (0, 2) for i in "abc"
    ]  # fmt: skip
    path = table(tmp_path / "a.jsonl", rows[:3])
    assert brought(path)["l"]["answers"] == 3
    table(path, rows)
    assert brought(path)["l"]["answers"] == 3
    between = [answer("qa", "incorrect", iteration=1, confidence=0.9, entity_id="e")]
    assert brought(table(tmp_path / "b.jsonl", between))["l"]["answers"] == 1
    rows[3]["grade"] = "incorrect"
    result = brought(table(path, rows))["l"]
    assert (result["answers"], result["replaced"]) == (0, 1)
    with closing(Owner(made_home())) as owner:
        kept = owner.store.query(
            "answer_history", loops=["l"], question_id="qa", origin=None, until=None
        )
        frames = {
            "answer_counts": owner.store.query("answer_counts", loops=None, until=None),
            "answer_flips": owner.store.query("answer_flips", loops=None, until=None),
            "answer_flip_clusters": owner.store.query(
                "answer_flip_clusters", loops=None, until=None
            ),
        }
        told_runs = owner.store.query("runs", project=None, runs=None)
    assert told_runs["answers"].to_list() == [7]
    full = pl.DataFrame([*rows, *between])
    assert kept["grade"].to_list() == ["correct", "incorrect", "incorrect"]
    # The flips of the iteration after the one that came between were counted anew.
    assert_frame_equal(frames["answer_counts"].sort(KEYS), counts.count(full).sort(KEYS))
    assert_frame_equal(frames["answer_flips"].sort(KEYS), pairs.flips(full).sort(KEYS))
    assert_frame_equal(
        frames["answer_flip_clusters"].sort(KEYS), pairs.flip_clusters(full).sort(KEYS)
    )


def test_forgetting_leaves_no_answer(tmp_path: Path) -> None:
    brought(table(tmp_path / "a.jsonl", [answer("q", "correct", confidence=0.5, entity_id="e")]))
    spool.write_forget(made_home(), ["l"])
    with closing(Owner(made_home())) as owner:
        owner.store.drain()
    with duckdb.connect(str(made_home() / "store.duckdb")) as store:
        tables = [row[0] for row in store.sql("show tables").fetchall()]
        heights = {t: store.table(t).pl().height for t in tables if t.startswith("answer")}
    assert len(heights) == 7 and set(heights.values()) == {0}


def test_facts_counted_in_completions_and_logged_by_the_trainer(home: Path) -> None:
    import_paths(made_home(), [LOOP.parent / "r3_grpo_bigrm"], ReadOptions())
    with closing(Owner(made_home())) as owner:
        frame = owner.store.query("fact_rates", run="r3_grpo_bigrm", until=None)
    train = frame.filter(phase="train")
    both = train.drop_nulls(["rate", "rate_logged"])
    assert both.height > 10
    first = train.drop_nulls("rate_logged").head(10)["rate_logged"].mean()
    last = train.drop_nulls("rate_logged").tail(10)["rate_logged"].mean()
    assert first == pytest.approx(0.50, abs=0.03) and last == pytest.approx(0.26, abs=0.03)


@pytest.mark.parametrize("group", [700, 5000, 50_000])
def test_a_large_file_is_read_in_parts_and_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: pl.DataFrame, group: int
) -> None:
    answers.write_parquet(tmp_path / "answers.parquet", row_group_size=group)
    whole = pl.concat([log.answers for log in logs(tmp_path / "answers.parquet")])
    monkeypatch.setattr(answer_parts, "LARGE", 1000)
    monkeypatch.setattr(answer_parts, "PART", 3000)
    parts = [log.answers for log in logs(tmp_path / "answers.parquet")]
    assert max(part.height for part in parts) <= 3000 and len(parts) == 20
    blocks = [block for part in parts for block in part.select("loop", "iteration").unique().rows()]
    assert len(blocks) == len(set(blocks)) == 36
    order = ["loop", "iteration", "origin", "question_id", "answer"]
    assert_frame_equal(pl.concat(parts).sort(order), whole.sort(order))


def test_rows_that_fill_a_poorer_log_count_as_gold_and_replace_nothing(
    first: dict[str, dict[str, Any]],
) -> None:
    imported = first["replace"]
    # The generations' means came first; the metrics table then brought the gold of the same rows.
    assert (imported["points"], imported["gold_evaluations"], imported["replaced"]) == (9, 9, 0)


def test_a_loop_that_gets_better_is_not_called_overoptimized_for_one_dip(loop: Store) -> None:
    """Its 600 prompts have eight responses each: without clusters the dip would be an alarm."""
    every = {r["run_id"]: r for r in loop.query("runs", project=None, runs=None).to_dicts()}
    verdicts = {name: judge(loop.query, every[name]).row for name in ("verified", "replace")}
    assert verdicts["verified"]["status"] == "no_onset"
    assert verdicts["replace"]["status"] == "overoptimized"
    assert "between prompts" in verdicts["replace"]["noise"]
