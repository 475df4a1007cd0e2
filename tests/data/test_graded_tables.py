"""Graded answers of any table: columns named by options, by a project, and what grades mean."""

from __future__ import annotations

import csv
import json
import random
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from data import readers
from data.__main__ import main
from data.columns import LogError, ReadOptions, RunLog, Skip
from data.incoming.importing import import_paths
from data.incoming.previewing import preview
from data.incoming.watching import Watch
from data.owner import Owner
from data.people import project_roles
from data.readers.meaning import grade_maps, grades
from data.remote import StoreAccess
from data.roles.stated_roles import Roles
from tests.data.graded_shapes import SHAPES, Row, Shape

GRADES = (*grades.GRADES, None)


def written(path: Path, rows: list[Row]) -> Path:
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
    elif path.suffix == ".parquet":
        pl.DataFrame(rows).write_parquet(path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path: Path, **options: str) -> RunLog | Skip:
    (found,) = readers.read([path], ReadOptions(**options))  # type: ignore[arg-type]
    return found


def counts(log: RunLog) -> tuple[int, ...]:
    found = log.answers["grade"].to_list()
    return tuple(found.count(grade) for grade in GRADES)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "json"])
@pytest.mark.parametrize("name", SHAPES)
def test_public_shapes_come_in_right_or_are_refused_helpfully(
    tmp_path: Path, name: str, kind: str
) -> None:
    shape = SHAPES[name]
    found = read(written(tmp_path / f"table.{kind}", shape.rows), **shape.options)
    if shape.counts is None:
        assert isinstance(found, Skip)
        remarks = found.reason
    else:
        assert isinstance(found, RunLog), found
        assert (found.format, counts(found)) == ("answers", shape.counts)
        remarks = " | ".join(found.warnings)
    assert all(word in remarks for word in shape.remarks), remarks


@pytest.mark.parametrize("name", SHAPES)
def test_without_options_the_refusal_names_columns_and_options(tmp_path: Path, name: str) -> None:
    """Never read as something else; where it comes in by itself, its grade is called that."""
    shape = SHAPES[name]
    found = read(written(tmp_path / "table.csv", shape.rows))
    assert isinstance(found, Skip), found
    assert "--question" in found.reason and "--grade" in found.reason, found.reason
    assert all(column in found.reason for column in shape.rows[0])


def test_the_refusal_suggests_columns_that_are_right(tmp_path: Path) -> None:
    shape = SHAPES["entailment by claim"]
    found = read(written(tmp_path / "table.csv", shape.rows))
    assert isinstance(found, Skip)
    assert "--question prompt --grade nli_label" in found.reason


def test_answer_reference_and_confidence_are_what_was_named(tmp_path: Path) -> None:
    """``answer`` holds the right answer in SimpleQA's own table: what was named counts."""
    shape = SHAPES["simpleqa letters"]
    found = read(written(tmp_path / "table.csv", shape.rows), **shape.options)
    assert isinstance(found, RunLog)
    rows = found.answers.select("question", "answer", "reference", "confidence").rows()
    assert rows[1] == ("When?", "1902", "1901", pytest.approx(0.8))


def test_a_reference_named_later_does_not_double_the_answers(home: Path, tmp_path: Path) -> None:
    shape = SHAPES["simpleqa letters"]
    path = written(tmp_path / "table.csv", shape.rows)
    few = {name: shape.options[name] for name in ("question", "grade")}
    for options in (few, shape.options, shape.options):
        done = import_paths(home, [path], ReadOptions(**options))  # type: ignore[arg-type]
        assert not done.skipped
    with closing(Owner(home)) as owner:
        total = owner.store.query("answer_counts", loops=None, until=None)
    assert total["n"].sum() == 4


CONFIDENCES = [
    ([0.5, 0.9], [0.5, 0.9]),
    ([50, 90, 100], [0.5, 0.9, 1.0]),
    (["50%", "90 %"], [0.5, 0.9]),
    ([1, 0, 1], [1.0, 0.0, 1.0]),
    ([1, 5, 3], [1.0, None, None]),  # a scale of which nobody said how far it goes
    ([0.5, 85], [0.5, None]),  # two scales in one column
    (["high", "low"], [None, None]),
    ([101, 50], [None, None]),
]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize(("logged", "expected"), CONFIDENCES)
def test_confidence_in_every_unit(
    tmp_path: Path, logged: list[object], expected: list[float | None], kind: str
) -> None:
    rows: list[Row] = [{"q": f"q{i}", "g": "yes", "c": c} for i, c in enumerate(logged)]
    path = written(tmp_path / f"t.{kind}", rows)
    found = read(path, question="q", grade="g", confidence="c")
    assert isinstance(found, RunLog)
    assert found.answers["confidence"].to_list() == pytest.approx(expected)
    if None in expected:
        assert any("not measured" in warning for warning in found.warnings)


def test_steps_and_topics_under_other_names(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"q": "a", "g": "yes", "gen": 0, "field": "law"},
        {"q": "a", "g": "no", "gen": 1, "field": "law"},
    ]
    path = written(tmp_path / "t.csv", rows)
    found = read(path, question="q", grade="g", step="gen", topic="field")
    assert isinstance(found, RunLog)
    assert found.answers.select("iteration", "topic").rows() == [(0, "law"), (1, "law")]
    (own,) = [read(written(tmp_path / "u.csv", [
        {"question": "a", "grade": "yes", "gen": 3}]), step="gen")]  # fmt: skip
    assert isinstance(own, RunLog) and own.answers["iteration"].to_list() == [3]


def test_several_models_in_one_table_are_several_runs(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"model": model, "question": f"q{i}", "grade": "yes" if model == "m1" else "no"}
        for model in ("m1", "m2") for i in range(3)
    ]  # fmt: skip
    found = list(readers.read([written(tmp_path / "t.csv", rows)], ReadOptions()))
    assert {log.run: counts(log)[:2] for log in found if isinstance(log, RunLog)} == {
        "m1": (3, 0), "m2": (0, 3)
    }  # fmt: skip
    for i, row in enumerate(rows):  # one model an iteration: a loop
        row["iteration"] = i // 3
    (loop,) = readers.read([written(tmp_path / "loop.csv", rows)], ReadOptions())
    assert isinstance(loop, RunLog) and loop.run == "loop"


def test_a_named_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    rows: list[Row] = [{"q": "a", "g": "yes"}]
    for options in ({"question": "q", "grade": "gg"}, {"question": "qq", "grade": "g"},
                    {"question": "q", "grade": "g", "confidence": "sure"}):  # fmt: skip
        found = read(written(tmp_path / "t.csv", rows), **options)
        assert isinstance(found, Skip)
        wrong = next(key for key in options.values() if key not in rows[0])
        assert f"names {wrong}" in found.reason and "q, g" in found.reason


def test_a_folder_may_hold_a_curve_beside_the_answers(tmp_path: Path) -> None:
    written(tmp_path / "curve.csv", [{"step": 1, "kl": 0.1, "proxy_reward": 1.0}])
    written(tmp_path / "judged.csv", SHAPES["fever"].rows)
    options = ReadOptions(**SHAPES["fever"].options)  # type: ignore[arg-type]
    found = list(readers.read([tmp_path], options))
    assert all(isinstance(log, RunLog) for log in found), found
    assert {log.format for log in found if isinstance(log, RunLog)} == {"table", "answers"}


@pytest.mark.parametrize("text", ["yes", "=correct", "yes=right", "yes=correct;no"])
def test_a_map_that_says_nothing_is_refused(tmp_path: Path, text: str) -> None:
    found = read(
        written(tmp_path / "t.csv", [{"q": "a", "g": "yes"}]),
        question="q", grade="g", grade_map=text,
    )  # fmt: skip
    assert isinstance(found, Skip) and "WORD=GRADE" in found.reason


def test_a_project_keeps_what_was_said_of_answers(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command, for imports and watches; a table with headings of ours needs none of it."""
    curve = written(tmp_path / "curve.csv", [{"step": 1, "kl": 0.1, "proxy_reward": 1.0}])
    assert main(["import", str(curve), "--project", "p", "--json"]) == 0
    options = ["--question", "user_input", "--grade", "faithfulness", "--answer", "response",
            "--grade-map", ">=0.5=correct,<0.5=incorrect"]  # fmt: skip
    assert main(["roles", "--project", "p", *options, "--json"]) == 0
    capsys.readouterr()
    path = written(tmp_path / "ragas.jsonl", SHAPES["ragas"].rows)
    ours = written(tmp_path / "ours.csv", [{"question": "a", "grade": "no"}])
    assert main(["import", str(path), str(ours), "--project", "p", "--json"]) == 0
    runs = {run["run"]: run["answers"] for run in json.loads(capsys.readouterr().out)["runs"]}
    assert runs == {"ragas": 3, "ours": 1}
    with StoreAccess(home) as store:
        found = store.query("answer_counts", loops=["ragas"], until=None)
        assert project_roles.chosen(store)["p"].grade == "faithfulness"
        project_roles.save(store, "p", Roles(question="user_input"))
    assert found["n"].sum() == 3 and found["incorrect_share"].sum() == 2


def test_watch_takes_the_same_options(home: Path, tmp_path: Path) -> None:
    shape = SHAPES["entailment by claim"]
    path = written(tmp_path / "claims.jsonl", shape.rows[:2])
    options = ReadOptions(**shape.options)  # type: ignore[arg-type]
    watch = Watch(home, [path], options)
    watch.tick()
    written(path, shape.rows)
    watch.tick()
    with closing(Owner(home)) as owner:
        owner.store.drain()
        rows = owner.store.query("answer_counts", loops=["claims"], until=None)
    assert rows["n"].sum() == 4


def test_the_preview_counts_grades(tmp_path: Path) -> None:
    shape = SHAPES["entailment by claim"]
    path = written(tmp_path / "claims.csv", shape.rows)
    before = preview([path], ReadOptions())
    assert not before.runs and {"prompt", "claim", "nli_label"} <= set(before.keys)
    (run,) = preview([path], ReadOptions(**shape.options)).runs  # type: ignore[arg-type]
    assert run.grades == {"correct": 2, "incorrect": 1, "not_attempted": 1}


def test_any_headings_and_any_words_of_a_map(tmp_path: Path) -> None:
    """Seeded search: what is mapped counts as said, what is not is left out, nothing is guessed."""
    source = random.Random(20261128)
    names = ["Q", "the question", "train/grade", "grade", "answer", "reference", "gold", "n", "Ä b",
             "question", "label", "value", "kl", "score"]  # fmt: skip
    words = ["good", "BAD", "n/a!", "so so", "yes", "no", "A", "0.5", "3", "neutral", "true"]
    for trial in range(60):
        columns = source.sample(names, 4)
        asked, graded = columns[:2]
        grade_map = {
            w: source.choice(grades.GRADES) for w in source.sample(words, source.randint(1, 5))
        }
        if set(map(str.lower, grade_map)) & set(grades.TRUTHS) == set():
            grade_map["yes"] = "correct"
        rows: list[Row] = [
            dict(zip(columns, (f"q{i}", source.choice(words), f"x{i}", f"y {i}"), strict=True))
            for i in range(12)
        ]
        rows[0][graded] = next(iter(grade_map))
        path = written(tmp_path / f"t{trial}.jsonl", rows)
        found = read(path, question=asked, grade=graded, run="r",
                     grade_map=",".join(f"{w}={g}" for w, g in grade_map.items()))  # fmt: skip
        assert isinstance(found, RunLog), (found, columns, grade_map)
        for row, got in zip(rows, found.answers["grade"], strict=True):
            word = str(row[graded])
            default = {"neutral": "not_attempted", "A": "correct"}.get(word)
            assert got == grade_map.get(word, default), (word, got, grade_map)


@pytest.mark.parametrize("pair", [(">=0.5", "<0.5"), (">=0.5", "0.5"), ("<0.6", "0.5")])
def test_a_word_wins_over_a_limit(pair: tuple[str, str]) -> None:
    parsed = grade_maps.parsed(f"{pair[0]}=correct,{pair[1]}=incorrect")
    got = grade_maps.applied(pl.Series("g", ["0.5"]), parsed, grades.WORDS).to_list()
    assert got == ["incorrect" if pair[1] == "0.5" else "correct"]


def test_scores_under_our_own_heading_are_refused_too(tmp_path: Path) -> None:
    rows: list[Row] = [{"question": f"q{i}", "grade": g} for i, g in enumerate([0.1, 1.0, 0.0])]
    shape = Shape(rows)
    found = read(written(tmp_path / "t.csv", shape.rows))
    assert isinstance(found, Skip) and "--grade-map" in found.reason
    mapped = replace(shape, options={"grade_map": ">0.5=correct,<=0.5=incorrect"})
    log = read(written(tmp_path / "t.csv", rows), **mapped.options)
    assert isinstance(log, RunLog) and counts(log) == (1, 2, 0, 0)


def test_a_map_is_checked_when_a_project_keeps_it(home: Path, tmp_path: Path) -> None:
    import_paths(home, [written(tmp_path / "t.csv", [{"question": "a", "grade": "no"}])],
                 ReadOptions(project="p"))  # fmt: skip
    with StoreAccess(home) as store, pytest.raises(LogError, match="WORD=GRADE"):
        project_roles.save(store, "p", Roles(grade_map="yes"))
