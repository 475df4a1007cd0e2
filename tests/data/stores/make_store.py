"""Makes the fixture store of this version: ``python -m tests.data.stores.make_store``.

Run it once when a version of the schema is published, from the root, and commit what it writes:
``v<N>.tar.xz`` (store.duckdb and archive/) and ``v<N>.json.xz`` (what the program of that day said
of it). Never again after: an old store is what an old program wrote. The programs of versions 1 to
5 kept no fixture: their stores hold a few runs of version 6's, in the tables that the schema of
that day and its changes made (see the commit that added this file).
"""

from __future__ import annotations

import json
import lzma
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

import duckdb
import polars as pl

from data import spool
from data.__main__ import main
from data.columns import ReadOptions
from data.incoming.importing import spool_paths
from data.people.written import close_review, keep_note, keep_pin
from data.remote import StoreAccess
from data.store import SCHEMA_VERSION
from tests.data.stores.contents import commands, tables
from tests.data.stores.make_logs import make
from tests.untar import untar

HERE = Path(__file__).parent
LOGS = Path(tempfile.gettempdir()) / "overopt-logs"
"""A fixed place: the store keeps where logs were read."""


def write(version: int) -> None:
    """The store of this program with all of the logs, and what it says of it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        os.environ["OVEROPT_HOME"] = str(home)
        home.mkdir()
        fill(home)
        outputs = commands()
        outputs["tables"] = tables(home / "store.duckdb")
        for left in ("owner.lock", "owner.json"):
            (home / left).unlink(missing_ok=True)
        compact(home / "store.duckdb")
        assert tables(home / "store.duckdb") == outputs["tables"]
        pack(home, HERE / f"v{version}.tar.xz")
        keep(outputs, HERE / f"v{version}.json.xz")


def fill(home: Path) -> None:
    """Import the logs as a team would over some weeks."""
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir()
    make(LOGS)
    for words in (
        ["import", "before/r6", "--project", "real"],
        ["import", "r3", "r5", "--project", "real"],
        ["import", "loop", "--project", "loops"],
        ["import", "told/loop.toml", "--project", "loops"],
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
        arguments = [str(at / word) if at and (at / word).exists() else word for word in words]
        assert main(arguments) == int("odd/broken.jsonl" in words), words
    earlier_layout(home)
    write_words(home)


def write_words(home: Path) -> None:
    """What people wrote: a note with an edit, one of a run that is gone, a pin, a review."""
    with StoreAccess(home) as store:
        note = keep_note(store, {
            "run_id": "r3", "step": 60, "text": "**Too far**", "by": "Ada",
            "decision": "roll_back", "owner": "Bob", "due": "2026-12-04",
        })  # fmt: skip
        keep_note(store, {
            "note_id": note, "run_id": "r3", "step": 60, "text": "Stopped.", "by": "Bob",
            "decision": "stop",
        })  # fmt: skip
        keep_note(store, {"run_id": "gone", "text": "forgotten, not this", "by": "Ada"})
        keep_pin(store, {
            "by": "Ada", "page": "/overoptimization", "address": "run=r3", "says": "gold peaks",
            "figure": '{"data": [], "layout": {}}', "frames": "[]", "verdicts": "[]",
            "settings": "{}", "software": "version 9",
        })  # fmt: skip
        close_review(store, "2026-11-21T00:00:00+00:00", "0", "Ada", "{}")


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
    untar(file, home)


def keep(outputs: dict[str, object], file: Path) -> None:
    """Keep what was said, as compressed JSON."""
    file.write_bytes(lzma.compress(json.dumps(outputs, sort_keys=True).encode(), preset=9))


def kept(file: Path) -> dict[str, object]:
    """What was said then."""
    return json.loads(lzma.decompress(file.read_bytes()))


if __name__ == "__main__":
    write(SCHEMA_VERSION)
