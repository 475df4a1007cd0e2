"""Tables in the forms in which people and trackers write them: searched for more of each kind."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.columns import LogError, ReadOptions, RunLog, Skip
from data.incoming.importing import import_paths
from data.readers import read
from data.readers.files.table_files import Table
from data.readers.layouts import shapes
from data.readers.meaning import attempts
from data.readers.names.mapping import RUN_COLUMNS, STEP, Column, folded
from data.readers.raw import number_texts
from data.readers.raw.scalars import Scalars, split_key
from data.readers.runs import archives
from data.remote import StoreAccess

STEPS = range(10, 130, 10)
ROWS = [
    {"step": s, "kl": round(s / 20, 3), "proxy_reward": round(s / 100, 3),
     "gold_reward": round(s / 100 - s * s / 2e4, 5)} for s in STEPS
]  # fmt: skip


def runs_of(*paths: Path, **options: object) -> tuple[list[RunLog], list[Skip]]:
    found = list(read(paths, ReadOptions(**options)))  # type: ignore[arg-type]
    return (
        [item for item in found if isinstance(item, RunLog)],
        [item for item in found if isinstance(item, Skip)],
    )


def is_whole(run: RunLog, rows: Sequence[dict[str, float]] = ROWS) -> None:
    """Whether a run has these rows and nothing else."""
    names = ["step", "kl", "proxy_reward", "gold_reward"]
    assert run.metrics.select(names).to_dicts() == [{k: row[k] for k in names} for row in rows]


def csv_text(rows: Sequence[dict[str, object]], between: str = ",") -> str:
    lines = [between.join(rows[0]), *(between.join(map(str, row.values())) for row in rows)]
    return "\n".join(lines) + "\n"


numbers = st.floats(-9e5, 9e5, allow_nan=False).map(lambda x: round(x, 3))


@given(values=st.lists(numbers, min_size=1, max_size=8), blank=st.sampled_from(" \u202f\u00a0'"))
def test_numbers_are_read_as_they_were_written(values: list[float], blank: str) -> None:
    spaced = [f"{x:,.3f}".replace(",", blank) for x in values]
    german = [f"{x:,.3f}".translate(str.maketrans(",.", ".,")) for x in values]
    english = [f"{x:,.3f}" for x in values]
    for texts, commas in ((spaced, False), (english, False), (german, True)):
        assert number_texts.numbers(pl.Series(texts), commas).to_list() == values
    shares = number_texts.numbers(pl.Series([f"{x:.3f} %" for x in values]), False)
    assert shares.to_list() == pytest.approx([x / 100 for x in values])


@given(texts=st.lists(st.text(max_size=20), max_size=6), commas=st.booleans())
def test_any_text_is_a_number_or_none(texts: list[str], commas: bool) -> None:
    assert number_texts.numbers(pl.Series(texts, dtype=pl.String), commas).len() == len(texts)


def test_headings_are_compared_loosely_and_exact_names_first() -> None:
    for column in (*RUN_COLUMNS, STEP):
        for key in column.keys:
            for written in (key.upper(), key.replace("_", " ").title(), f" {key} ", f"train/{key}"):
                found = column.find([written, "other"])
                assert found == written, (column.name, written)
            assert column.find([key.upper(), key]) == key
    assert Column("kl", ("kl",)).find(["ref_kl", "skl", "kl2"]) is None
    assert folded("Proxy Reward (mean)") == "proxyrewardmean"


orders = st.lists(st.integers(0, 30), min_size=2, max_size=40)


@settings(max_examples=200)
@given(first=st.integers(1, 20), back=st.integers(0, 19), again=st.integers(1, 25))
def test_a_later_attempt_takes_over_whole(first: int, back: int, again: int) -> None:
    """From any step of the first attempt, however long either is."""
    back = min(back, first - 1)
    steps = [*range(first), *range(back, back + again)]
    rows = pl.DataFrame({
        "run_id": ["a"] * len(steps), "phase": ["train"] * len(steps), "step": steps,
        "kl": [1.0] * first + [2.0] * again,
    })  # fmt: skip
    kept, notes, lost = attempts.settled(rows, ["kl"])
    wanted = [(s, 1.0) for s in range(back)] + [(s, 2.0) for s in range(back, back + again)]
    assert kept.select("step", "kl").rows() == (
        wanted if back < first - 1 else rows.select("step", "kl").rows()
    )
    begun = back < first - 1
    assert (lost.get("a"), bool(notes)) == ((first - back, True) if begun else (None, False))


@given(steps=st.permutations(range(12)))
def test_a_table_in_no_order_loses_nothing(steps: list[int]) -> None:
    """No step is repeated: unless three ascend on either side, it is no restart."""
    array = np.array(steps)
    for attempt in attempts.began(array, [np.ones(12, np.bool_)]):
        before, after = array[: attempt.row][-3:], array[attempt.row :][:3]
        assert len(before) == len(after) == attempts.ORDERED
        assert (np.diff(before) > 0).all() and (np.diff(after) > 0).all()


def test_scalars_of_a_restart_and_late_gold() -> None:
    log = Scalars("x", "verl")
    for step in range(6):
        log.put("train", step, {"kl": float(step), "reward": 1.0})
    log.put("train", 2, {"gold": 0.5})  # late gold joins
    assert (log.restarts, len(log.rows["train"])) == ([], 6)
    log.put("eval", 3, {"reward": 3.0})
    log.put("eval", 5, {"reward": 5.0})
    log.put("train", 3, {"kl": 9.0, "reward": 2.0})
    assert log.restarts == [(3, 3, 5)]
    assert list(log.rows["train"]) == [0, 1, 2, 3] and not log.rows["eval"]


def test_phases_by_name() -> None:
    assert split_key("test/env/all/reward/total") == ("eval", "env/all/reward/total")
    assert split_key("validation/kl") == ("eval", "kl")
    assert split_key("val/clipfrac_avg") == ("train", "val/clipfrac_avg")
    assert split_key("test/loss") == ("train", "test/loss")


@pytest.mark.parametrize("word", ["rank", "Rank", "process"])
def test_ranks_are_one_run_only_if_all_are_there(tmp_path: Path, word: str) -> None:
    """The ranks of LoRA adapters are three runs."""
    for number in (0, 1, 2):
        (tmp_path / f"log_{word}{number}.csv").write_text(csv_text(ROWS))
    (run,), _ = runs_of(tmp_path)
    assert any("ranks wrote at once" in warning for warning in run.warnings)
    is_whole(run)
    for number in (0, 1, 2):
        (tmp_path / f"log_{word}{number}.csv").rename(tmp_path / f"log_{word}{8 * 2**number}.csv")
    found, _ = runs_of(tmp_path)
    assert len(found) == 3


def test_columns_that_tell_runs_apart_are_not_ignored(tmp_path: Path) -> None:
    """Experiment and seed together; the columns leave the table."""
    both = [{"experiment": e, "seed": s, **row} for e in ("a", "b") for s in (0, 1) for row in ROWS]
    (tmp_path / "t.csv").write_text(csv_text(both))
    found, _ = runs_of(tmp_path / "t.csv")
    assert [run.run for run in found] == ["a-seed0", "a-seed1", "b-seed0", "b-seed1"]
    for run in found:
        is_whole(run)
        assert "seed" not in run.metrics.columns
        assert any("--run-column" in warning for warning in run.warnings)


def test_a_text_that_changes_at_a_restart_is_no_run(tmp_path: Path) -> None:
    later = [{**row, "proxy_reward": 9.0} for row in ROWS[4:]]
    rows = [*({"job": "first", **r} for r in ROWS[:8]), *({"job": "second", **r} for r in later)]
    (tmp_path / "t.csv").write_text(csv_text(rows))
    (run,), _ = runs_of(tmp_path / "t.csv")
    is_whole(run, [*ROWS[:4], *later])


def test_constant_names_do_not_join_tables(tmp_path: Path) -> None:
    """Two tables of one experiment are two runs."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text(csv_text([{"experiment": "x", **r} for r in ROWS]))
    found, _ = runs_of(tmp_path)
    assert sorted(run.run for run in found) == ["one", "two"]


@pytest.mark.parametrize("path", ["train/kl", "a/b/kl"])
def test_long_and_nested_forms_agree(tmp_path: Path, path: str) -> None:
    key = path.rpartition("/")[0]
    nested: list[dict[str, object]] = []
    for row in ROWS:
        inner: dict[str, object] = {k: v for k, v in row.items() if k != "step"}
        for part in reversed(key.split("/")):
            inner = {part: inner}
        nested.append({"step": row["step"], **inner})
    (tmp_path / "n.jsonl").write_text("".join(json.dumps(r) + "\n" for r in nested))
    long = [
        {"run": "n", "tag": k, "step": row["step"], "value": v}
        for row in ROWS for k, v in row.items() if k != "step"
    ]  # fmt: skip
    (tmp_path / "l.csv").write_text(csv_text(long))
    for name in ("n.jsonl", "l.csv"):
        (run,), _ = runs_of(tmp_path / name)
        is_whole(run)


def test_a_long_table_that_starts_anew(tmp_path: Path) -> None:
    points = [
        {"tag": "kl", "step": s, "value": v} for v, steps in ((1, STEPS), (2, range(50, 90, 10)))
        for s in steps
    ]  # fmt: skip
    frame = pl.DataFrame(points)
    table = shapes.plain(Table(tmp_path / "l.csv", frame, range(frame.height)))
    assert table.frame.select("step", pl.col("kl").cast(pl.Int64)).rows() == [
        (10, 1), (20, 1), (30, 1), (40, 1), (50, 2), (60, 2), (70, 2), (80, 2),
    ]  # fmt: skip


def packed(place: Path, kind: str) -> Path:
    text = csv_text(ROWS).encode()
    file = place / f"metrics.csv{kind}"
    if kind == ".zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("runs/a/metrics.csv", text)
    elif kind == ".tar.xz":
        with tarfile.open(file, "w:xz") as tar:
            info = tarfile.TarInfo("a/metrics.csv")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    else:
        file.write_bytes(lzma.compress(text))
    return file


@pytest.mark.parametrize("kind", [".zip", ".tar.xz", ".xz"])
def test_packed_logs(tmp_path: Path, kind: str) -> None:
    (run,), skipped = runs_of(packed(tmp_path, kind))
    assert not skipped
    is_whole(run)
    assert run.path.startswith(str(tmp_path)) and "/overopt-" not in run.path
    assert all(str(s["path"]).startswith(str(tmp_path)) for s in run.facts.sources)


@pytest.mark.parametrize("kind", [".zip", ".tar.xz", ".xz"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_broken_archive_is_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    file = packed(tmp_path_factory.mktemp("broken"), kind)
    raw = bytearray(file.read_bytes())
    for _ in range(3):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(raw[: data.draw(st.integers(1, len(raw)))])
    found, skipped = runs_of(file)
    assert found or skipped
    assert all("cannot be read (" not in skip.reason for skip in skipped)


def test_bombs_and_names_that_lead_out_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "FREE", 1 << 16)
    bomb = tmp_path / "trainer_state.json.gz"
    bomb.write_bytes(gzip.compress(b"[" + b" " * (8 << 20)))
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        archive.writestr("../../evil.csv", csv_text(ROWS))
    with zipfile.ZipFile(tmp_path / "many.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(6):
            archive.writestr(f"{number}.csv", "x" * (1 << 20))
    found, skipped = runs_of(tmp_path)
    assert not found
    reasons = {Path(skip.path).name: skip.reason for skip in skipped}
    assert "leads out of it" in reasons["out.zip"]
    assert all("unpacks to more than" in reasons[n] for n in ("trainer_state.json.gz", "many.zip"))
    assert not (tmp_path.parent / "evil.csv").exists()


@pytest.mark.parametrize("name", ["", "."])
def test_a_file_without_a_name_in_an_archive_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "blank.zip", "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = name
        with archive.open(info, "w") as file:  # writestr has no answer to an empty name
            file.write(csv_text(ROWS).encode())
    (skip,) = runs_of(tmp_path / "blank.zip")[1]
    assert "without a name" in skip.reason


def test_a_spreadsheet_that_declares_entities_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", '<!DOCTYPE x [<!ENTITY a "b">]><w>&a;</w>')
    found, (skip,) = runs_of(tmp_path / "b.xlsx")
    assert not found and "spreadsheet" in skip.reason


def test_a_table_of_runs_is_settings(tmp_path: Path) -> None:
    rows = [{"Name": n, "State": "finished", "Runtime": 9, "lr": 1e-6, "train/kl": 3.0,
             "train/reward": 2.0} for n in ("a", "b")]  # fmt: skip
    (tmp_path / "runs.csv").write_text(csv_text(rows))
    found, _ = runs_of(tmp_path / "runs.csv")
    assert [(r.run, r.metrics.height, r.facts.config["lr"]) for r in found] == [
        ("a", 0, 1e-6), ("b", 0, 1e-6),
    ]  # fmt: skip
    assert all("train/kl" not in run.facts.config for run in found)


def test_gold_of_responses_with_its_clustered_error(tmp_path: Path) -> None:
    """Responses to one prompt are alike: the error is that of the prompts' means."""
    rows = [
        {"step": step, "prompt": f"p{i // 4}", "completion": "x", "gold_reward": float(i // 4)}
        for step in (1, 2) for i in range(12)
    ]  # fmt: skip
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (run,), _ = runs_of(tmp_path / "r.jsonl")
    means = np.array([0.0, 1.0, 2.0])
    wanted = means.std(ddof=1) / np.sqrt(3)
    columns = run.metrics.select("step", "gold_reward", "gold_reward_se", "n_responses").rows()
    assert [row[:2] for row in columns] == [(1, 1.0), (2, 1.0)]
    assert [row[2] for row in columns] == pytest.approx([wanted] * 2)
    assert [row[3] for row in columns] == [12, 12]
    assert run.samples.height == 24


def test_gold_of_responses_gives_way_to_a_curve(home: Path, tmp_path: Path) -> None:
    rows = [
        {"run_id": "r", "step": step, "prompt": f"p{i}", "completion": "x", "gold_reward": 1.0}
        for step in (10, 20, 30) for i in range(4)
    ]  # fmt: skip
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "m.csv").write_text(csv_text([{"run_id": "r", **row} for row in ROWS]))
    home.mkdir()

    def sources() -> list[str]:
        with StoreAccess(home) as store:
            return list(store.query("gold", run="r", until=None)["source"].unique())

    import_paths(home, [tmp_path / "s.jsonl"], ReadOptions())
    assert sources() == ["table of responses"]
    import_paths(home, [tmp_path / "m.csv"], ReadOptions())
    assert sources() == ["table"]
    (again,) = import_paths(home, [tmp_path / "s.jsonl"], ReadOptions()).runs
    assert (sources(), again["gold_evaluations"]) == (["table"], 0)


def test_charts_against_time_are_refused() -> None:
    frame = pl.DataFrame({"Relative Time (Process)": [1], "a - train/kl": [2]})
    with pytest.raises(LogError, match="export it against Step"):
        shapes.plain(Table(Path("c.csv"), frame, [1]))
