"""Damaged logs of every format: never an exception, never a hang, never more than is asked.

Each is read, and fifty at a time are imported: whole runs come in, the rest is said to be skipped.
The suite makes a sample of 40; ``make test-long`` 2,000, FUZZ=10000 so many; SEED another seed.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import re
import resource
import shutil
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest

import analytics.__main__
from data import spool
from data.columns import ANSWER_COLUMNS, METRIC_COLUMNS, SAMPLE_COLUMNS, ReadOptions, RunLog, Skip
from data.incoming.importing import import_paths
from data.readers import READERS, read
from data.remote import StoreAccess
from data.rows import late_gold
from data.upkeep import checking
from tests.data.field_values import FIELD
from tests.data.test_field import INPUTS

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "data" / "examples"
LOGS = Path(__file__).resolve().parent / "logs"
COUNT = int(os.environ.get("FUZZ", "2000"))
SAMPLE = 40
SEED = int(os.environ.get("SEED", "20261123"))
SECONDS = 10.0
MEMORY = 1 << 30  # bytes by which the process may grow over the whole run
BATCH = 50  # damaged logs imported together
JUDGED = 4  # of so many imports one is judged too

Mutation = Callable[[bytes, random.Random], bytes]


def flip(raw: bytes, chance: random.Random) -> bytes:
    out = bytearray(raw)
    for _ in range(chance.choice([1, 1, 5, 50, 500])):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def cut(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.choice([0, 1, 7, 16, 100, chance.randrange(len(raw)), len(raw) - 1])]


def swap(raw: bytes, chance: random.Random) -> bytes:
    """Two stretches of equal length change places."""
    size = chance.choice([1, 4, 8, 64, 1024])
    if len(raw) < 2 * size:
        return raw[::-1]
    a, b = sorted(chance.randrange(len(raw) - size) for _ in range(2))
    b = max(b, a + size)
    out = raw[:a] + raw[b : b + size] + raw[a + size : b] + raw[a : a + size] + raw[b + size :]
    return out


def repeat(raw: bytes, chance: random.Random) -> bytes:
    a = chance.randrange(len(raw))
    b = min(len(raw), a + chance.choice([8, 512, 20_000]))
    return raw[:b] + raw[a:b] * chance.choice([1, 3]) + raw[b:]


def insert(raw: bytes, chance: random.Random) -> bytes:
    a = chance.randrange(len(raw))
    junk = chance.choice([b"\xff" * 16, b"\0" * 64, chance.randbytes(40), b"\x80" * 9, b"\n", b'"'])
    return raw[:a] + junk + raw[a + chance.choice([0, len(junk)]) :]


def lengths(raw: bytes, chance: random.Random) -> bytes:
    """Four or eight bytes become a huge number, as in a length or a count."""
    out = bytearray(raw)
    a = chance.randrange(len(out))
    new = chance.choice([b"\xff" * 8, b"\xff\xff\xff\x7f", b"\0\0\0\x40", b"\xff\xff\xff\xff\x0f"])
    out[a : a + len(new)] = new
    return bytes(out)


_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.I)
_VALUE = re.compile(rb'(?<=[:,])\s*(?:-?\d[\d.e+-]*|"[^"]{0,80}"|null|true|false)', re.I)
HUGE = [b"1e999", b"-1e999", b"9" * 5000, b"1" + b"0" * 400, b"NaN", b"-0", b"1e-400", b"2.5",
        b"9223372036854775808", b"-1", b"1e18"]  # fmt: skip
WRONG = [b'"x"', b"{}", b"[]", b"null", b"true", b'{"a": {"b": [1]}}', b'"\\ud800"', b"[[1], {}]",
         b'"' + b"y" * 70_000 + b'"']  # fmt: skip


def numbers(raw: bytes, chance: random.Random) -> bytes:
    return _replaced(raw, _NUMBER, chance, HUGE)


def types(raw: bytes, chance: random.Random) -> bytes:
    return _replaced(raw, _VALUE, chance, WRONG)


def deep(raw: bytes, chance: random.Random) -> bytes:
    depth = chance.choice([1_000, 100_000])
    nests = [b"[" * depth, b'{"a":' * depth, b"[" * depth + b"]" * depth, b"(" * depth]
    return _replaced(raw, _VALUE, chance, nests)


def _replaced(
    raw: bytes, pattern: re.Pattern[bytes], chance: random.Random, new: list[bytes]
) -> bytes:
    start = chance.randrange(len(raw))
    found = pattern.search(raw, start) or pattern.search(raw)
    if found is None:
        return insert(raw, chance)
    out = raw[: found.start()] + chance.choice(new) + raw[found.end() :]
    if len(raw) % 512 == 0 and len(out) > len(raw):  # a database keeps its pages in place
        out = out[: found.start()] + out[found.start() : len(raw)]
    return out


MUTATIONS: list[Mutation] = [
    flip, flip, cut, swap, repeat, insert, lengths, numbers, numbers, types, types, deep
]  # fmt: skip


def originals(folder: Path) -> dict[str, tuple[Path, str]]:
    """A small genuine log of every format: folder, and the pattern of the files to damage."""
    r9, r6 = LOGS / "r9_ppo_trl1.9", EXAMPLES / "r6_grpo_resume"
    made: dict[str, tuple[Path, str]] = {
        "trackio": (LOGS / "trackio", "*.db"),
        "wandb": (LOGS / "r12_wandb", "*.wandb"),
        "swanlab": (LOGS / "swanlab", "*.swanlab"),
        "scout": (LOGS / "scout", "*.parquet"),
        "loop": (LOGS / "loop", "*"),
        "wandb tables": (LOGS / "r12_wandb", "*.table.json"),
        "mlflow database": (LOGS / "verl", "mlruns.db"),
        "mlflow files": (LOGS / "mlflow", "*"),
        "verl": (LOGS / "verl" / "math", "*.jsonl"),
        "verl dumps": (LOGS / "verl" / "dumps", "*.jsonl"),
        "openrlhf": (LOGS / "openrlhf" / "stdout", "*.log"),
        "openrlhf events": (LOGS / "openrlhf" / "k3_llama", "*"),
    }

    def place(name: str, pattern: str) -> Path:
        made[name] = (folder / name, pattern)
        (folder / name).mkdir()
        return folder / name

    shutil.copy(r9 / "trainer_state.json", place("trainer_state", "*.json"))
    shutil.copytree(r9 / "tb", place("tensorboard", "*tfevents*") / "tb")
    completions = place("completions", "*.parquet") / "completions"
    completions.mkdir()
    for number in (2, 4):
        shutil.copy(r6 / "completions" / f"completions_{number:05d}.parquet", completions)
    (run,) = (item for item in read([r9], ReadOptions()) if isinstance(item, RunLog))
    table = run.metrics.select(*METRIC_COLUMNS)
    table.write_parquet(place("table parquet", "*") / "t.parquet")
    table.write_csv(place("table csv", "*") / "t.csv")
    table.write_ndjson(place("table jsonl", "*") / "t.jsonl")
    text = (made["table csv"][0] / "t.csv").read_bytes()
    (place("table gzip", "*") / "t.csv.gz").write_bytes(gzip.compress(text))
    inspect = LOGS / "inspect"
    shutil.copy(inspect / "facts.eval", place("inspect eval", "*.eval"))
    shutil.copy(inspect / "facts.json", place("inspect json", "*.json"))
    samples = sorted((LOGS / "lm_eval" / "dummy").glob("samples_*.jsonl"))
    for path in samples:
        lm_eval = made["lm_eval"][0] if "lm_eval" in made else place("lm_eval", "*.jsonl")
        shutil.copy(path, lm_eval)
    rows = {"_step": [1, 2], "_runtime": [1.0, 2.0], "train/kl": [0.1, 0.2]}
    rows |= {"train/reward": [1.0, 2.0], "train/completions/mean_length": [3.0, 3.0]}
    pl.DataFrame(rows).write_json(place("wandb export", "*") / "history.json")
    return made


def of_the_field(folder: Path) -> dict[str, tuple[Path, str]]:
    """Every input of the wider field, each in a folder of its own: all of its files are damaged."""
    found: dict[str, tuple[Path, str]] = {}
    for number, given in enumerate(INPUTS):
        place = folder / f"field{number}"
        place.mkdir()
        if given.make is not None:
            given.make(place)
        for path in (path for pattern in given.paths for path in FIELD.glob(pattern)):
            copied = shutil.copytree if path.is_dir() else shutil.copy
            copied(path, place / path.name)
        found[given.name] = (place, "*")
    return found


def check(items: list[RunLog | Skip]) -> None:
    for item in items:
        if isinstance(item, Skip):
            assert "\n" not in item.reason
            assert len(item.reason) < 1500
            assert "cannot be read (" not in item.reason, item.reason  # an error nobody foresaw
            continue
        for frame, declared in (
            (item.metrics, METRIC_COLUMNS), (item.samples, SAMPLE_COLUMNS),
            (item.answers, ANSWER_COLUMNS),
        ):  # fmt: skip
            assert {c: frame.schema[c] for c in declared} == declared
        frames = (
            item.metrics,
            item.samples,
            item.answers,
            item.behaviours,
            item.corpus,
            item.audits,
        )
        assert any(frame.height for frame in (*frames, *item.tables.values()))
        assert item.metrics.select("phase", "step").is_duplicated().sum() == 0
        assert not item.metrics.get_column("step").is_null().any()
        numbers = item.metrics.select(pl.col(pl.Float64).is_finite().all())
        assert all(value in (True, None) for value in numbers.row(0))
        json.dumps([item.facts.to_dict(), item.warnings, item.run], allow_nan=False)


def import_whole(folder: Path, home: Path, patch: pytest.MonkeyPatch, judged: bool) -> int:
    """Import damaged logs into a store of their own; how many runs it then holds, each whole."""
    home.mkdir()
    patch.setenv("OVEROPT_HOME", str(home))
    items: list[RunLog | Skip] = []
    done = import_paths(home, [folder], ReadOptions(), items.append)
    check(items)
    assert done.skipped == [item for item in items if isinstance(item, Skip)]
    assert not spool.waiting(home)
    logs = [item for item in items if isinstance(item, RunLog)]
    named = Counter(log.run for log in logs)
    with StoreAccess(home) as store:
        runs = {
            row["run_id"]: row for row in store.query("runs", project=None, runs=None).to_dicts()
        }
        for log in logs:
            if named[log.run] > 1:
                continue  # copies of one run become one run: more than each of them
            assert log.run in runs, log.run
            kept = store.query("metrics", runs=[log.run], until=None)
            expected, _ = late_gold.parted(log)
            keys = expected.select("phase", "step").sort("phase", "step")
            assert kept.select("phase", "step").sort("phase", "step").rows() == keys.rows(), log.run
        checked = checking.check(store)
        json.dumps(checked, allow_nan=False)
        assert {row["run"] for row in checked["runs"]} == set(runs)
    with duckdb.connect(str(home / "store.duckdb"), read_only=True) as database:
        for table in ("metrics", "scalars", "samples", "run_summary", "pooled_curve"):
            strays = database.sql(f"select count(*) from {table} anti join runs using (run_id)")
            assert strays.fetchall() == [(0,)], table
    if judged:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert analytics.__main__.main(["verdict", "--json"]) == 0
        verdicts = json.loads(out.getvalue())
        assert all(row["status"] and row["reasons"] for row in verdicts)
    shutil.rmtree(home)
    return len(runs)


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(SAMPLE, marks=pytest.mark.slow, id="sample"),
        pytest.param(COUNT, marks=[pytest.mark.long, pytest.mark.timeout(7200)], id="whole"),
    ],
)
def test_damaged_logs_of_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    chance = random.Random(SEED)
    sources, field = originals(tmp_path), of_the_field(tmp_path)
    covered = {"trl", "tensorboard", "trackio", "wandb", "mlflow", "verl", "openrlhf", "table"}
    assert covered | {"evaluation", "archive", "swanlab", "scout", "loop"} == {
        reader.format for reader in READERS
    }
    names = [*sources, *chance.sample(sorted(field), len(field))]
    sources |= field
    batch, imported = tmp_path / "batch", 0
    slowest, read_runs = (0.0, ""), 0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        name = names[number % len(names)]
        folder, pattern = sources[name]
        work = batch / f"m{number:05d}" / folder.name.replace(" ", "-")
        shutil.copytree(folder, work)
        for file in work.glob("t.*"):  # a table is named after its file: each is a run of its own
            file.rename(file.with_name(file.name.replace("t.", f"t{number:05d}.", 1)))
        files = sorted(p for p in work.rglob(pattern) if p.is_file() and p.stat().st_size)
        victim = chance.choice(files)
        mutation = chance.choice(MUTATIONS)
        victim.write_bytes(mutation(victim.read_bytes(), chance))
        started = time.perf_counter()
        try:
            items = list(read([work], ReadOptions()))
            check(items)
        except Exception as error:
            kept = Path(os.environ.get("FUZZ_KEEP", tmp_path)) / f"{number}-{victim.name}"
            shutil.copy(victim, kept)
            raise AssertionError(
                f"mutation {number} ({mutation.__name__}, {name}): {kept}"
            ) from error
        taken = time.perf_counter() - started
        if taken > SECONDS:  # a busy machine, or a hang: the second time tells
            started = time.process_time()
            list(read([work], ReadOptions()))
            assert time.process_time() - started < SECONDS, (number, name, mutation.__name__)
        slowest = max(slowest, (taken, f"{name}, {mutation.__name__}, number {number}"))
        read_runs += any(isinstance(item, RunLog) for item in items)
        if number % BATCH == BATCH - 1 or number == count - 1:
            judged = number // BATCH % JUDGED == 0
            imported += import_whole(batch, tmp_path / "home-of-batch", monkeypatch, judged)
            shutil.rmtree(batch)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(
        f"\n{count} mutations, seed {SEED}: {read_runs} still gave a run, {imported} runs "
        f"imported, slowest reading {slowest[0]:.2f} s ({slowest[1]}), grown by {grown >> 20} MiB"
    )
    assert grown < MEMORY


@pytest.mark.slow
@pytest.mark.parametrize("bomb", ["zeros", "rows", "objects", "cells", "parquet", "pages", "eval"])
def test_bombs(tmp_path: Path, bomb: str) -> None:
    """Small files that unpack to gigabytes: refused within seconds, without holding them."""
    size = 2 << 30
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    header = b"step,kl,proxy_reward,gold_reward\n"
    rows = {
        "zeros": b"\0" * (1 << 20),
        "rows": b"1,0.5,1.5,0.25\n" * 70_000,
        "cells": b"1" * (1 << 20),
        "objects": b'{"step": 1, "kl": 0.5, "gold_reward": 1.5}\n' * 25_000,
    }
    if bomb in rows:
        path = tmp_path / ("t.jsonl.gz" if bomb == "objects" else "t.csv.gz")
        packing = zlib.compressobj(1, wbits=31)
        pieces = []  # each stands for itself: packed once, the second one is written many times
        for part in (header if bomb != "objects" else b"", rows[bomb]):
            pieces.append(packing.compress(part) + packing.flush(zlib.Z_FULL_FLUSH))
        path.write_bytes(pieces[0] + pieces[1] * (size // len(rows[bomb]) // 4))
    elif bomb == "eval":
        path = tmp_path / "t.eval"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            packed.writestr("header.json", '{"version": 2, "status": "x", "eval": {"task": "t"}}')
            with packed.open("samples/bomb_epoch_1.json", "w", force_zip64=True) as file:
                file.write(b'{"id": "')
                for _ in range(size >> 22):
                    file.write(b"x" * (1 << 20))
                file.write(b'"}')
    elif bomb == "parquet":
        path = tmp_path / "t.parquet"
        _run_length_bomb(path)
    else:
        path = tmp_path / "t.parquet"
        texts = pl.DataFrame(
            {"step": range(12), "gold_reward": 0.5, "t": [f"{i:0>{16 << 20}}" for i in range(12)]}
        )
        texts.write_parquet(path, compression="zstd")
    started = time.process_time()  # of this process: others may be busy
    items = list(read([path], ReadOptions()))
    assert time.process_time() - started < 3 * SECONDS
    assert [type(item) for item in items] == [Skip], items
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    if bomb != "pages":  # writing this one takes the memory itself
        assert grown < MEMORY


def _run_length_bomb(path: Path) -> None:
    """A Parquet file of a few kilobytes with 100 million rows of one value."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("step", pa.int64()), ("gold_reward", pa.float64())])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        part = pa.table({"step": pa.repeat(1, 5_000_000), "gold_reward": pa.repeat(0.5, 5_000_000)})
        for _ in range(20):
            writer.write_table(part, row_group_size=5_000_000)
