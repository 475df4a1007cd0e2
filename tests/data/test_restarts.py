"""What an earlier import stored of a run, and what its log says now: dead attempts, other units."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from data.__main__ import main
from tests.data.field_reading import Read, imported, stored
from tests.data.field_values import Curve
from tests.data.field_writing import (
    comma,
    events,
    json_lines,
    made,
    own,
    rows_of,
    scalars,
    session_start,
    sibling,
    trl,
)

ONE = made()
DEAD = ONE.part(0, 15)
"""The attempt that died at step 150."""
NEW = ONE.part(6, 11, 1.0)
"""The one that resumed after step 60, and came to 110 so far: proxy and gold one higher."""
BETWEEN = Curve(tuple(s + 5 for s in NEW.steps), NEW.kl, NEW.proxy, NEW.gold, NEW.length)
"""The same, at steps that the first attempt never logged."""


def appended(*curves: Curve) -> bytes:
    return b"".join(
        json.dumps(row).encode() + b"\n" for curve in curves for row in rows_of(own(curve))
    )


@pytest.fixture
def read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Read]:
    """Imports a place and says what is in the store then."""
    home = tmp_path / "home"
    monkeypatch.setenv("OVEROPT_HOME", str(home))

    def do(place: Path, *options: str) -> Read:
        done = imported([place], options)
        stored(home, done)
        return done

    return do


def rows(done: Read) -> list[tuple[int, float | None]]:
    (run,) = done.runs
    return [(row[0], row[2]) for row in run.rows["train"]]


def curve(*parts: Curve) -> list[tuple[int, float | None]]:
    return [pair for part in parts for pair in zip(part.steps, part.proxy, strict=True)]


@pytest.mark.parametrize("new", [NEW, BETWEEN], ids=["same steps", "steps between"])
@pytest.mark.parametrize("kept", [True, False], ids=["appended", "written anew"])
def test_the_tail_of_a_dead_attempt_goes(
    tmp_path: Path, read_again: Callable[..., Read], new: Curve, kept: bool
) -> None:
    log = tmp_path / "run.jsonl"
    log.write_bytes(appended(DEAD))
    assert rows(read_again(log)) == curve(DEAD)
    start = DEAD if kept else DEAD.part(0, 6)
    log.write_bytes(appended(start, new))
    alive = DEAD.part(0, 6 if new is NEW else 7)
    done = read_again(log)
    assert rows(done) == curve(alive, new)
    assert any("restarted" in remark for remark in done.remarks)
    again = read_again(log)
    assert rows(again) == curve(alive, new)
    longer = Curve(*(a + b for a, b in zip(
        vars(new).values(), vars(ONE.part(14, 18, 1.0)).values(), strict=True,
    )))  # fmt: skip
    log.write_bytes(appended(start, longer))
    assert rows(read_again(log)) == curve(alive, longer)


def test_event_files_of_two_attempts(tmp_path: Path, read_again: Callable[..., Read]) -> None:
    first = scalars(trl(DEAD, "train/"))
    events("r", first)(tmp_path)
    read_again(tmp_path / "r")
    events("r", first, session_start(70, 1.8e9) + scalars(trl(NEW, "train/"), wall=1.8e9))(tmp_path)
    done = read_again(tmp_path / "r")
    assert [step for step, _ in rows(done)] == [*DEAD.steps[:6], *NEW.steps]


def test_a_part_of_a_log_takes_nothing_out(tmp_path: Path, read_again: Callable[..., Read]) -> None:
    """The first attempt's event file named alone, and a log whose first rows were rotated away."""
    folder = tmp_path / "r"
    events("r", scalars(trl(DEAD, "train/")), scalars(trl(NEW, "train/"), wall=1.8e9))(tmp_path)
    whole = rows(read_again(folder))
    (first, _) = sorted(folder.iterdir())
    assert {step for step, _ in rows(read_again(first))} >= {step for step, _ in whole}
    log = tmp_path / "other" / "run.jsonl"
    log.parent.mkdir()
    log.write_bytes(appended(DEAD))
    read_again(log)
    log.write_bytes(appended(DEAD.part(9, 15)))
    done = read_again(log)
    assert [len(run.rows["train"]) for run in done.runs if run.name == "run"] == [15]


def test_another_unit_takes_no_row_out(tmp_path: Path, read_again: Callable[..., Read]) -> None:
    (log,) = comma("t.csv", {**own(ONE), "response_length": ONE.length})(tmp_path)
    read_again(log, "--kl-unit", "nats/token")
    done = read_again(log, "--kl-unit", "nats")
    assert rows(done) == curve(ONE) and done.runs[0].kl == ONE.kl


def test_a_kl_that_the_user_refuses_goes(tmp_path: Path, read_again: Callable[..., Read]) -> None:
    (log,) = comma("t.csv", own(ONE))(tmp_path)
    read_again(log)
    done = read_again(log, "--kl-reference", "previous_policy")
    assert done.runs[0].label == "missing" and set(done.runs[0].kl) == {None}


def test_two_logs_of_a_run_a_length_apart_in_two_imports(
    tmp_path: Path, read_again: Callable[..., Read]
) -> None:
    named = {"run_id": ["r"] * len(ONE.steps), **own(ONE), "response_length": ONE.length}
    comma("one.csv", named)(tmp_path)
    comma("two.csv", {**named, "kl": ONE.per_token()})(tmp_path)
    assert not any("doubt" in remark for remark in read_again(tmp_path / "one.csv").remarks)
    remarks = read_again(tmp_path / "two.csv").remarks
    assert any("differ by the response length" in one for one in remarks)


def test_another_run_of_equal_start_is_not_the_renamed_one(
    tmp_path: Path, read_again: Callable[..., Read]
) -> None:
    json_lines("a.jsonl", rows_of(own(ONE)))(tmp_path)
    read_again(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").unlink()
    other = {**own(ONE), "proxy_reward": (*ONE.proxy[:5], *sibling().proxy[5:])}
    json_lines("b.jsonl", rows_of(other))(tmp_path)
    assert not any("same rows" in remark for remark in read_again(tmp_path / "b.jsonl").remarks)


def test_an_export_of_an_unknown_unit_stays_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_again: Callable[..., Read]
) -> None:
    (log,) = comma("t.csv", {"step": ONE.steps, "kl": ONE.kl, "reward": ONE.proxy})(tmp_path)
    assert read_again(log).runs[0].label == "unknown"
    out = tmp_path / "out.csv"
    assert main(["export", "--run", "t", "--out", str(out)]) == 0
    monkeypatch.setenv("OVEROPT_HOME", str(tmp_path / "other"))
    done = imported([out], ())
    stored(tmp_path / "other", done)
    assert [run.label for run in done.runs] == ["unknown"]
