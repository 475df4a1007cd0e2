"""Tables that are read in parts say the same as those that are read whole."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest

from data.columns import ReadOptions, RunLog, Skip
from data.incoming.importing import import_paths
from data.readers import read
from data.readers.files import blocks
from data.readers.files.blocks import joined, object_frame, sound_csv, sound_jsonl
from data.readers.metrics import large_tables
from data.readers.raw.texts import load_json
from data.remote import StoreAccess


def row(run: str, step: int) -> dict[str, object]:
    return {"run_id": run, "step": step, "kl": step / 7, "proxy_reward": step / 3,
            "gold_reward": step / 5 if step % 5 == 0 else None}  # fmt: skip


def metrics(path: Path) -> dict[str, list[dict[str, object]]]:
    """Metric rows by run, its parts one after the other."""
    return joined_rows(read([path], ReadOptions()))


def joined_rows(items: Iterable[RunLog | Skip]) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    for item in items:
        assert isinstance(item, RunLog), item
        found.setdefault(item.run, []).extend(item.metrics.to_dicts())
    return found


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
@pytest.mark.parametrize("order", ["by run", "by step", "one run"])
def test_parts_are_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, order: str
) -> None:
    runs = ["a"] if order == "one run" else ["a", "b", "c", "d"]
    rows = [row(run, step) for run in runs for step in range(400 // len(runs))]
    if order == "by step":
        rows.sort(key=lambda row: int(str(row["step"])))
    path = tmp_path / f"log.{kind}"
    frame = pl.DataFrame(rows)
    frame.write_csv(path) if kind == "csv" else frame.write_ndjson(path)
    whole = metrics(path)
    monkeypatch.setattr(large_tables, "LARGE", 0)
    monkeypatch.setattr(large_tables, "PART", 4_000)
    monkeypatch.setattr(blocks, "BLOCK", 2_000)
    parts = list(read([path], ReadOptions()))
    assert len(parts) > 3
    assert joined_rows(parts) == whole


def test_a_named_run_may_come_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row("a", i)) + "\n" for i in range(400)))
    monkeypatch.setattr(large_tables, "LARGE", 0)
    monkeypatch.setattr(large_tables, "PART", 4_000)
    items = list(read([path], ReadOptions(run="mine")))
    assert {item.run for item in items if isinstance(item, RunLog)} == {"mine"}
    assert len(items) > 3


def test_bad_lines_of_a_large_table_are_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [json.dumps(row("a", i)) for i in range(200)]
    lines[120] = "{broken"
    lines.append('{"run_id": "a", "st')
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(lines))
    monkeypatch.setattr(large_tables, "LARGE", 0)
    monkeypatch.setattr(large_tables, "PART", 4_000)
    monkeypatch.setattr(blocks, "BLOCK", 2_000)
    items = [item for item in read([path], ReadOptions()) if isinstance(item, RunLog)]
    warnings = [warning for item in items for warning in item.warnings if "line" in warning]
    assert len(warnings) == 2 and "line 121 is not whole JSON" in " ".join(warnings)
    assert "half-written last line" in " ".join(warnings)


VALUES = [1, -3, 2.5, 1e-7, None, "text", "7", "", True, [1, 2], {"a": {"b": 1}}, 2**70, "é\u2028"]


@pytest.mark.parametrize("seed", range(60))
def test_a_sound_block_is_what_the_slow_way_reads(seed: int) -> None:
    """Polars reads a block alone, or knows that it cannot: never something else."""
    chance = random.Random(seed)
    values = VALUES[: chance.choice([3, 5, 9, len(VALUES)])]
    keys = ["step", "kl", "name"]
    rows = [
        {key: chance.choice(values) for key in keys if chance.random() < 0.9}
        for _ in range(chance.choice([1, 5, 30]))
    ]
    block = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows).encode()
    slow = joined(
        [object_frame([load_json(line, "l") for line in block.decode().split("\n")[:-1]])]
    )
    like = sound_jsonl(b'{"step": 1, "kl": 0.5, "name": "r"}\n')
    for fast in (sound_jsonl(block), sound_jsonl(block, like)):
        if fast is None:
            continue
        for key in slow.columns:
            theirs = slow.get_column(key)
            ours = fast.get_column(key)
            if theirs.null_count() == theirs.len():
                assert ours.null_count() == ours.len()
            elif theirs.dtype == pl.String:
                assert [_same(v) for v in ours.cast(pl.String)] == [_same(v) for v in theirs]
            else:
                assert ours.cast(pl.Float64).to_list() == theirs.cast(pl.Float64).to_list()


def _same(text: str | None) -> object:
    """A number in a column of text may be written in another way: 1e-07 and 0.0000001."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


@pytest.mark.parametrize(
    "block", [b'1,"a\nb"\n', b"1,2,3\n4\n", b"1\n", b"1,2\r\n", b"1,2\n\n", b"1,\xff\n"]
)
def test_a_block_of_csv_that_is_not_plain_is_left_to_the_slow_way(block: bytes) -> None:
    assert sound_csv(["a", "b"], block, ",") is None


def test_a_plain_block_of_csv() -> None:
    frame = sound_csv(["a", "b"], b"1,x\n,\n3,y", ",")
    assert frame is not None and frame.rows() == [("1", "x"), ("", ""), ("3", "y")]


def test_a_deep_line_is_not_given_to_polars() -> None:
    """It takes minutes over one (found by mutation)."""
    for deep in ("[" * 100_000, '{"a":' * 100_000, "[" * 50_000 + "]" * 50_000):
        block = b'{"step": 1, "kl": 2.5}\n{"step": 2, "kl": ' + deep.encode() + b"}\n"
        started = time.process_time()
        assert sound_jsonl(block) is None
        assert time.process_time() - started < 30


def test_a_version_or_source_that_is_a_number_is_a_name(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("step,kl,gold_reward,gold_source,proxy_version\n1,0.5,1,7,1\n2,0.7,1,8,2\n")
    (item,) = read([path], ReadOptions())
    assert isinstance(item, RunLog)
    assert item.metrics["stretch"].to_list() == [0, 1]
    home.mkdir()
    done = import_paths(home, [path], ReadOptions())
    with StoreAccess(home) as store:
        assert set(store.query("gold", run="t", until=None)["source"]) == {"7", "8"}
    assert not done.skipped


@pytest.mark.parametrize("shift", [0, 3])
@pytest.mark.parametrize("phases", [None, "split"])
def test_attempts_in_parts_are_those_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: int, phases: str | None
) -> None:
    """The second attempt dies before the first one did: no part alone shows the dead tail."""
    first = [{**row("a", 10 * step), "gold_reward": 1.0} for step in range(300)]
    second = [{**row("a", 10 * step + shift), "kl": 9.0 + step, "gold_reward": 2.0}
              for step in range(120, 220)]  # fmt: skip
    rows = [*first, *second]
    if phases:
        rows = [{**r, phases: "train"} for r in rows]
        rows[60:60] = [{**row("a", 0), phases: "eval", "gold_reward": 3.0}]
    path = tmp_path / "log.csv"
    pl.DataFrame(rows).drop("run_id").write_csv(path)
    whole = metrics(path)
    trained = [r for r in whole["log"] if r["phase"] == "train"]
    assert [r["gold_reward"] for r in trained] == [1.0] * (120 + bool(shift)) + [2.0] * 100
    monkeypatch.setattr(large_tables, "LARGE", 0)
    monkeypatch.setattr(large_tables, "PART", 4_000)
    monkeypatch.setattr(blocks, "BLOCK", 2_000)
    parts = [item for item in read([path], ReadOptions()) if isinstance(item, RunLog)]
    assert len(parts) > 3
    warnings = [
        warning for item in parts for warning in item.warnings if "restarted once" in warning
    ]
    assert len(warnings) == 1 and str(10 * 120 + shift) in warnings[0]
    assert sorted(map(repr, joined_rows(parts)["log"])) == sorted(map(repr, whole["log"]))
