"""Tables in odd layouts: read where they can be read in one way only, else refused with a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from data import readers
from data.columns import LogError, ReadOptions, RunLog, Skip
from data.readers.files import headings
from data.readers.meaning import grade_maps
from tests.data.field_writing import made, own, sibling, table_text
from tests.data.sheet_writer import book

ONE, TWO = made(), sibling()
N = len(ONE.steps)
OURS = own(ONE)
BOTH = {key: [*values, *own(TWO)[key]] for key, values in OURS.items()}
Columns = Mapping[str, Sequence[object]]


def read(file: Path, content: str | bytes) -> list[RunLog | Skip]:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(readers.read([file], ReadOptions()))


def only(found: Sequence[RunLog | Skip]) -> RunLog:
    assert len(found) == 1 and isinstance(found[0], RunLog), found
    return found[0]


def right(log: RunLog) -> None:
    """All rows, steps and values of the made run, its KL exact."""
    for phase, name, values in (("train", "kl", ONE.kl), ("train", "step", ONE.steps),
                                ("train", "proxy_reward", ONE.proxy)):  # fmt: skip
        rows = log.metrics.filter(log.metrics["phase"] == phase)
        assert rows[name].drop_nulls().to_list() == pytest.approx(list(values)), name
    assert log.facts.kl_conversion == "exact", log.facts.kl_note


@pytest.mark.parametrize("form", ["out/seed{}/checkpoint-{}", "/r/{}/step_{}", "runs/{}/ckpt{}/"])
@pytest.mark.parametrize("heading", ["step", "checkpoint"])
def test_checkpoints_in_several_folders_are_several_runs(
    tmp_path: Path, form: str, heading: str
) -> None:
    named = [form.format(run, step) for run in (0, 1) for step in ONE.steps]
    columns = {heading: named, **{k: v for k, v in BOTH.items() if k != "step"}}
    found = read(tmp_path / "t.csv", table_text(columns))
    assert [log.metrics.height for log in found if isinstance(log, RunLog)] == [N, N]
    right(found[0])  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["out/a/checkpoint-{1}", "out/epoch{0}/step-{1}"])
def test_checkpoints_of_one_run_stay_one(tmp_path: Path, form: str) -> None:
    named = [form.format(i, step) for i, step in enumerate(ONE.steps)]
    right(only(read(tmp_path / "t.csv", table_text({**OURS, "step": named}))))


@pytest.mark.parametrize("shown", [lambda s: f"{s / 1000}k", lambda s: f"{s / 1000} K",
                                   lambda s: s if s % 20 else f"{s / 1e6:.6f}M"])  # fmt: skip
def test_steps_in_thousands_are_read_in_full(tmp_path: Path, shown: object) -> None:
    steps = [shown(s) for s in ONE.steps]  # type: ignore[operator]
    log = only(read(tmp_path / "t.csv", table_text({**OURS, "step": steps})))
    right(log)
    assert any("as a thousand" in warning for warning in log.warnings)


def test_half_steps_keep_every_row(tmp_path: Path) -> None:
    log = only(read(tmp_path / "t.csv", table_text({**OURS, "step": [s / 20 for s in ONE.steps]})))
    assert log.metrics.height == N and any("fractions" in warning for warning in log.warnings)


def test_the_n_of_a_table_is_told(tmp_path: Path) -> None:
    columns = {"n" if key == "step" else key: values for key, values in OURS.items()}
    log = only(read(tmp_path / "t.csv", table_text(columns)))
    assert any("best-of-n" in warning for warning in log.warnings)


def side(columns: Columns, heading: str) -> str:
    rows = [",".join(map(str, [key, *values])) for key, values in columns.items()]
    return "\n".join([heading, *rows][not heading :]) + "\n"


LAID: dict[str, str | bytes] = {
    "on its side": side({k: v for k, v in OURS.items() if k != "step"},
                        "metric," + ",".join(map(str, ONE.steps))),
    "on its side, steps named": side({k: v for k, v in OURS.items() if k != "step"},
                                     "name," + ",".join(f"step {s}" for s in ONE.steps)),
    "on its side, steps a row": side(OURS, "key," + ",".join(f"v{i}" for i in range(N))),
    "on its side, steps the heading": side(OURS, ""),
    "groups": ",train,train,eval\n" + table_text(OURS),
    "groups that go on": ",train,,eval\n" + table_text(OURS),
    "statistics": "step,kl,kl,proxy_reward,gold_reward\n,mean,std,mean,mean\n" + table_text(
        {"step": ONE.steps, "kl": ONE.kl, "sd": [0.1] * N, "p": ONE.proxy, "g": ONE.gold}
    ).split("\n", 1)[1],
    "two titles": "Run 7\nall of seed 3\n\n" + table_text(OURS),
}  # fmt: skip


@pytest.mark.parametrize("laid", LAID)
def test_a_layout_that_can_be_read_in_one_way_is_read(tmp_path: Path, laid: str) -> None:
    right(only(read(tmp_path / "t.csv", LAID[laid])))


def rows(columns: Columns) -> list[list[object]]:
    return [list(columns), *(list(row) for row in zip(*columns.values(), strict=True))]


def test_sheets_of_one_heading_are_runs_and_others_are_told(tmp_path: Path) -> None:
    two = book(
        [("readme", [["what", "is"], ["a", "b"]]), ("s0", rows(OURS)), ("s1", rows(own(TWO)))]
    )
    found = read(tmp_path / "t.xlsx", two)
    assert [log.run for log in found if isinstance(log, RunLog)] == ["s0", "s1"]
    right(found[0])  # type: ignore[arg-type]
    other = {key: values for key, values in own(TWO).items() if key != "gold_reward"}
    single = only(read(tmp_path / "u.xlsx", book([("s0", rows(OURS)), ("s1", rows(other))])))
    right(single)
    assert any("'s1' left out" in text for text in single.warnings)


def test_a_heading_of_two_rows_in_a_sheet(tmp_path: Path) -> None:
    right(only(read(tmp_path / "t.xlsx", book([("a", [["", "train", "", "eval"], *rows(OURS)])]))))


def test_rows_of_numbers_are_no_second_heading() -> None:
    assert headings.joined_rows(["step", "kl", "kl"], ["1", "0.2", "0.3"]) is None
    assert headings.joined_rows(["step", "kl", "reward"], ["", "nats/token", "-"]) is None
    assert headings.joined_rows(["a", "a"], ["x", "x"]) is None


@pytest.mark.parametrize("text", [
    ">=0.5=correct,>=0.8=incorrect", ">=0.5=correct,<=0.5=incorrect", "<0.5=incorrect,<0.2=correct",
    ">0.2<0.6=correct,>=0.5=incorrect", "yes=correct,Yes=incorrect",
])  # fmt: skip
def test_limits_that_overlap_are_refused(text: str) -> None:
    with pytest.raises(LogError, match=r"overlap|two grades"):
        grade_maps.parsed(text)


@pytest.mark.parametrize("text", [
    ">0.5=correct,<=0.5=incorrect", ">=0.8=correct,>=0.4<0.8=not_attempted,<0.4=incorrect",
    ">=0.5=correct,>=0.8=correct,no=incorrect",
])  # fmt: skip
def test_limits_that_do_not_meet_are_read(text: str) -> None:
    assert grade_maps.parsed(text).limits
