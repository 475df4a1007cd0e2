"""Values measured again at an earlier step: they hold at their step, and begin no attempt."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from data.columns import RunLog
from tests.data.test_readers_forms import runs_of

Point = tuple[str, int, float]
Write = Callable[[Path, "list[Point]"], RunLog]
STEPS = range(10, 210, 10)
POINTS: list[Point] = [
    (tag, step, by * step) for step in STEPS
    for tag, by in (("kl", 0.2), ("proxy_reward", 0.01), ("gold_reward", 0.005))
]  # fmt: skip


def csv(place: Path, points: Sequence[Point]) -> RunLog:
    lines = [f"a,{tag},{step},{value}\n" for tag, step, value in points]
    (place / "a.csv").write_text("run,tag,step,value\n" + "".join(lines))
    ((run,), _) = runs_of(place / "a.csv")
    return run


def jsonl(place: Path, points: Sequence[Point]) -> RunLog:
    rows = [{"key": tag, "step": step, "value": value} for tag, step, value in points]
    (place / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ((run,), _) = runs_of(place / "a.jsonl")
    return run


def mlruns(place: Path, points: Sequence[Point]) -> RunLog:
    folder = place / "mlruns" / "1" / "abcd"
    (folder / "metrics").mkdir(parents=True)
    (folder / "meta.yaml").write_text("run_id: abcd\nrun_name: a\nlifecycle_stage: active\n")
    for number, (tag, step, value) in enumerate(points):
        with (folder / "metrics" / tag).open("a") as file:
            file.write(f"{1700000000000 + number} {value} {step}\n")
    ((run,), _) = runs_of(place / "mlruns")
    return run


def curves(run: RunLog) -> dict[str, dict[int, float]]:
    rows = run.metrics.filter(phase="train")
    return {
        tag: {s: v for s, v in rows.select("step", tag).rows() if v is not None}
        for tag in ("kl", "proxy_reward", "gold_reward")
    }


def wanted(points: Sequence[Point]) -> dict[str, dict[int, float]]:
    return {
        tag: {step: value for name, step, value in points if name == tag}
        for tag in ("kl", "proxy_reward", "gold_reward")
    }


@pytest.mark.parametrize("write", [csv, jsonl, mlruns])
@pytest.mark.parametrize("again", [("kl", 10, 2.5), ("gold_reward", 50, 0.9)])
def test_a_metric_measured_again_drops_no_later_value(
    tmp_path: Path, write: Write, again: Point
) -> None:
    run = write(tmp_path, [*POINTS, again])
    assert curves(run) == wanted([*POINTS, again])
    assert not any("restarted" in warning for warning in run.warnings)


def test_of_two_metrics_one_measured_again_drops_nothing(tmp_path: Path) -> None:
    points = [point for point in POINTS if point[0] != "gold_reward"]
    points.append(("kl", 10, 99.0))
    assert curves(csv(tmp_path, points)) == wanted(points)


@pytest.mark.parametrize("write", [csv, jsonl, mlruns])
@pytest.mark.parametrize("lacks", ["", "gold_reward"])
def test_a_restart_of_the_run_takes_over_and_is_told(
    tmp_path: Path, write: Write, lacks: str
) -> None:
    """Also where the later attempt has not come to a gold evaluation, and one value is equal."""
    later = [
        (tag, step, value if (tag, step) == ("kl", 100) else value + 1)
        for tag, step, value in POINTS if 90 <= step <= 120 and tag != lacks
    ]  # fmt: skip
    run = write(tmp_path, [*POINTS, *later])
    kept = [point for point in POINTS if point[1] < 90]
    found, due = curves(run), wanted([*kept, *later])
    for tag in set(due) - {lacks}:
        assert found[tag] == due[tag]
    assert any("restarted" in warning for warning in run.warnings)


def test_points_that_stand_twice_tell_of_no_restart(tmp_path: Path) -> None:
    run = csv(tmp_path, [*POINTS, *POINTS[30:]])
    assert curves(run) == wanted(POINTS)
    assert not any("restarted" in warning for warning in run.warnings)


def table(place: Path, rows: Sequence[dict[str, float]]) -> RunLog:
    (place / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ((run,), _) = runs_of(place / "a.jsonl")
    return run


ROWS = [{"step": s, "kl": 0.2 * s, "proxy_reward": 0.01 * s} for s in STEPS]
EVALUATED = (50, 100, 150, 200)


@pytest.mark.parametrize("columns", [("kl",), ("proxy_reward",), ("kl", "proxy_reward")])
def test_late_gold_with_the_values_of_its_step_joins_it(
    tmp_path: Path, columns: tuple[str, ...]
) -> None:
    late = [
        {"step": row["step"], "gold_reward": 0.5, **{name: row[name] for name in columns}}
        for row in ROWS if row["step"] in EVALUATED
    ]  # fmt: skip
    run = table(tmp_path, [*ROWS, *late])
    found = curves(run)
    assert found["kl"] == {row["step"]: row["kl"] for row in ROWS}
    assert found["proxy_reward"] == {row["step"]: row["proxy_reward"] for row in ROWS}
    assert found["gold_reward"] == dict.fromkeys(EVALUATED, 0.5)
    assert not any("restarted" in warning or "order" in warning for warning in run.warnings)


def test_late_gold_with_a_proxy_of_its_own_is_no_restart(tmp_path: Path) -> None:
    late = [{"step": s, "gold_reward": 0.5, "proxy_reward": 0.01 * s + 0.01} for s in EVALUATED]
    run = table(tmp_path, [*ROWS, *late])
    assert curves(run)["kl"] == {row["step"]: row["kl"] for row in ROWS}
    assert not any("restarted" in warning for warning in run.warnings)


def test_an_attempt_that_begins_to_log_gold_is_a_restart(tmp_path: Path) -> None:
    later = [{**row, "kl": row["kl"] + 1, "gold_reward": 0.5} for row in ROWS[9:12]]
    run = table(tmp_path, [*ROWS, *later])
    assert list(curves(run)["kl"]) == list(range(10, 130, 10))
    assert any("restarted" in warning for warning in run.warnings)
