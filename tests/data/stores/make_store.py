"""Makes the fixture store of this version: ``python -m tests.data.stores.make_store``.

Run it once when a version of the schema is published, from the root, and commit what it writes:
``v<N>.tar.xz`` (store.duckdb and archive/) and ``v<N>.json.xz`` (what the program of that day said
of it). Never again after: an old store is what an old program wrote. ``older`` made the stores of
versions 1 to 5, whose programs kept no fixture, out of the changes that led from one to the next.
"""

from __future__ import annotations

import json
import lzma
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import polars as pl

from data import spool
from data.__main__ import main
from data.columns import ReadOptions
from data.importing import spool_paths
from data.remote import StoreAccess
from data.store import SCHEMA_VERSION
from tests.data.stores.contents import arithmetic, commands, tables
from tests.data.stores.make_logs import make

HERE = Path(__file__).parent
LOGS = Path(tempfile.gettempdir()) / "overopt-logs"
"""A fixed place: the store keeps where logs were read."""
FEW = ("falls_sd", "late", "graded", "replace")
"""Runs of the small stores of versions 1 to 5."""


def write(version: int) -> None:
    """The store of this program with all of the logs, and what it says of it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        os.environ["OVEROPT_HOME"] = str(home)
        home.mkdir()
        fill(home)
        said = commands() | {"arithmetic": arithmetic()}
        said["tables"] = tables(home / "store.duckdb")
        for left in ("owner.lock", "owner.json"):
            (home / left).unlink(missing_ok=True)
        compact(home / "store.duckdb")
        assert tables(home / "store.duckdb") == said["tables"]
        pack(home, HERE / f"v{version}.tar.xz")
        keep(said, HERE / f"v{version}.json.xz")


def fill(home: Path) -> None:
    """Import the logs as a team would over some weeks."""
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir()
    make(LOGS)
    for words in (
        ["import", "before/r6", "--project", "real"],
        ["import", "r3", "r5", "--project", "real"],
        ["import", "loop", "--project", "loops"],
        *(["import", f"tables/{name}.csv"] for name in (
            "errors", "falls_sd", "no_gold", "no_kl", "per_token", "collapse", "blind",
            "reward_model_changed", "accuracy", "few", "late", "gone", "many_rows", "numbers",
        )),
        ["import", "tables/late_gold.csv"],
        ["import", "one/twins.csv"],
        ["import", "two/twins.csv"],
        ["import", "responses"],
        ["import", "odd/sizes.csv"],
        ["import", "odd/broken.jsonl", "odd/trainer_state.json"],
        ["import", "tables/roles.jsonl", "--project", "roles"],
        ["roles", "--project", "roles", "--proxy", "rm_score", "--gold", "judge", "--kl", "my_kl",
         "--kl-unit", "nats/sequence"],
        ["forget", "gone"],
        ["import", "after/r6"],
        ["import", "tables/falls_sd.csv"],
    ):  # fmt: skip
        at = LOGS if words[0] == "import" else None
        told = [str(at / word) if at and (at / word).exists() else word for word in words]
        assert main(told) == int("odd/broken.jsonl" in words), words
    earlier_layout(home)


def earlier_layout(home: Path) -> None:
    """One more segment, as programs before layout 2 wrote it: lists of pairs, no gold apart."""
    rows = "step,kl,proxy_reward,gold_reward,gold_reward_se,loss\n" + "".join(
        f"{i},{i / 4},{i / 10},{i / 12},0.1,{1 / (i + 1)}\n" for i in range(30)
    )
    (LOGS / "tables" / "earlier.csv").write_text(rows)
    spool_paths(home, [LOGS / "tables" / "earlier.csv"], ReadOptions())
    (segment,) = spool.waiting(home)
    runs, samples = (pl.read_parquet(segment / f"{n}.parquet") for n in ("runs", "samples"))
    runs.drop("layout").write_parquet(segment / "runs.parquet")
    pairs = pl.List(pl.Struct({"key": pl.String, "value": pl.Float64}))
    listed = samples.with_columns(extra=pl.lit(None, pairs))
    listed.write_parquet(segment / "samples.parquet")
    (segment / "gold.parquet").unlink()
    with StoreAccess(home) as store:
        store.drain()


def older(version: int) -> None:
    """A store as version ``version`` left it, with a few runs; what the tables hold beside it."""
    with tempfile.TemporaryDirectory() as folder:
        home, now = Path(folder) / "home", Path(folder) / "now"
        home.mkdir()
        unpack(HERE / f"v{SCHEMA_VERSION}.tar.xz", now)
        with duckdb.connect(str(home / "store.duckdb")) as store:
            for text in changes(version):
                store.execute(text)
            store.execute(f"attach '{now / 'store.duckdb'}' as now (read_only)")
            store.execute("delete from generation")
            for name, columns in columns_of(store):
                if name == "store_version":
                    continue
                held = ", ".join(f'"{column}"' for column in columns)
                key = next((k for k in ("run_id", "loop") if k in columns), None)
                few = f"where {key} in {FEW}" if key else ""
                store.execute(f"insert into {name} select {held} from now.{name} {few}")
            for target in range(2, version + 1):
                store.execute("insert into store_version (version) values ($v)", {"v": target})
        compact(home / "store.duckdb")
        pack(home, HERE / f"v{version}.tar.xz")
        keep({"tables": tables(home / "store.duckdb")}, HERE / f"v{version}.json.xz")


def changes(version: int) -> Iterator[str]:
    """The texts that made a store of this version."""
    from data.sql import sql
    from data.store import MIGRATIONS

    yield (Path(spool.__file__).parent / "schema.sql").read_text()
    for target, name in MIGRATIONS:
        if target <= version:
            if target == 3:
                yield sql("changes", "answers_macros")
            yield sql("changes", name)


def columns_of(store: duckdb.DuckDBPyConnection) -> list[tuple[str, list[str]]]:
    """The tables of the store at hand and their columns in order."""
    return store.execute(
        "select table_name, list(column_name order by column_index) from duckdb_columns() "
        "where database_name = current_database() and schema_name = 'main' and not internal "
        "group by table_name order by table_name"
    ).fetchall()


def compact(database: Path) -> None:
    """Write the file anew, without the room that deleted rows leave."""
    whole = database.with_suffix(".whole")
    with duckdb.connect() as copy:
        copy.execute(f"attach '{database}' as a")
        copy.execute(f"attach '{whole}' as b")
        copy.execute("copy from database a to b")
    whole.replace(database)


def pack(home: Path, file: Path) -> None:
    """A home as one compressed file."""
    with tarfile.open(file, "w:xz", preset=9 | lzma.PRESET_EXTREME) as packed:
        for part in sorted(home.iterdir()):
            if part.name in ("store.duckdb", "archive"):
                packed.add(part, part.name)


def unpack(file: Path, home: Path) -> None:
    """The home that a fixture holds."""
    home.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file) as packed:
        packed.extractall(home, filter="data")


def keep(said: dict[str, object], file: Path) -> None:
    """Keep what was said, as compressed JSON."""
    file.write_bytes(lzma.compress(json.dumps(said, sort_keys=True).encode(), preset=9))


def kept(file: Path) -> dict[str, object]:
    """What was said then."""
    return json.loads(lzma.decompress(file.read_bytes()))


def run(words: Sequence[str]) -> None:
    """Make this version's store, or with ``older`` those before version 6."""
    if list(words) == ["older"]:
        for version in range(1, 6):
            older(version)
    else:
        write(SCHEMA_VERSION)


if __name__ == "__main__":
    run(sys.argv[1:])
