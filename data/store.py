"""The store: one DuckDB file, changed only by segments, each in one transaction."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from data import spool
from data.address_space import RAN_OUT
from data.database import ddl
from data.database.kept_verdicts import NOWHERE
from data.database.results import AGAIN, RunResult, SegmentResult
from data.database.rollups import refresh
from data.database.sql import StoreError, sql
from data.declared import WRITTEN
from data.merging import merge
from data.people import kept_roles, sealing, written
from data.roles import role_changes
from data.rows import loop_tables
from data.rows.restating import restated

MIGRATIONS: tuple[tuple[int, str | None], ...] = (
    (2, "answers_tables"),
    (3, None),  # the table project_roles, declared
    (4, "prompt_gold_counts"),
    (5, None),  # the table audits, declared
    (6, "calibration_table"),
    (7, None),  # the tables of a loop, declared
    (8, "flip_clusters_table"),
    (9, None),  # what people write, declared
)
"""(version it leads to, file in changes/), in order, for stores older than the last of them.

Declared tables and columns come by themselves (``data.database.ddl``) and need no entry.
"""
SCHEMA_VERSION = MIGRATIONS[-1][0]


MEMORY = "192MB"
"""What DuckDB may hold: the rest of a large store stays on disk. Raised when it does not do."""

DAMAGED = "Corrupt database file"
"""How DuckDB begins what it says of a block whose checksum is wrong."""

PATIENCE = 10.0
"""Seconds that closing waits for others to have begun what they ask: DuckDB refuses meanwhile."""

MOST_FROZEN = 256
"""Frozen views of one run whose verdicts are kept, the last ones: each step that a reader looks at
is one, some 13 KB; any other is judged again when it is asked for."""

CHANGES = {
    "import": merge.merge, "forget": merge.forget, "skips": merge.keep_skips,
    "roles": role_changes.change, "decision": loop_tables.keep_decisions,
    **dict.fromkeys(WRITTEN, written.keep), "seal": sealing.change,
}  # fmt: skip
"""What each kind of segment does to the tables."""

REPEATED = ("import", "skips")
"""Kinds that programs make again and again: one that changes nothing is not kept."""


class Store:
    """An open store. One process opens it at a time (see data.owner); any thread may read."""

    def __init__(self, home: Path) -> None:
        """Open or create the store in ``home``, and bring an older one to SCHEMA_VERSION.

        Raises:
            StoreError: the file is newer than this program, or no DuckDB file.
        """
        self.home = home
        self._writing = threading.RLock()
        self.verdicts_saved = self.indicators_saved = 0
        self._verdict_changes: dict[str, int] = {}
        path = home / "store.duckdb"
        try:
            self._db = duckdb.connect(str(path))
            self._db.execute("set memory_limit = $most", {"most": MEMORY})
            # Gives back what queries have left: else some 25 MB stay with its threads.
            self._db.execute("set allocator_background_threads = true")
            # A segment's files are read once; DuckDB would remember each for ever.
            self._db.execute("set enable_external_file_cache = false")
            self._migrate(path)
            self._generation = self._counted()
            known = self._imported()
        except duckdb.Error as error:
            raise self._unusable(error, "cannot be opened") from error
        self.refused: dict[str, str] = {}
        self._import_all([s for s in spool.archived(home) if s.name not in known])
        self._publish_roles()

    def close(self) -> None:
        """Close the file, in between what other threads ask of it."""
        end = time.monotonic() + PATIENCE
        with self._writing:
            while True:
                try:
                    return self._db.close()
                except duckdb.ResourceInUseException:  # at this very moment another one begins
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.001)

    @property
    def generation(self) -> int:
        """Counts up with every change; the key of caches, and asked for all the time."""
        return self._generation

    def verdict_change(self, run: str) -> int:
        """A number that changes whenever a run's verdict is kept anew or forgotten; 0 = not yet."""
        return self._verdict_changes.get(run, 0)

    def _note_verdicts(self, runs: Sequence[str]) -> None:
        number = max(self._verdict_changes.values(), default=0) + 1
        self._verdict_changes |= dict.fromkeys(runs, number)

    def query(self, name: str, **params: Any) -> pl.DataFrame:
        """Answer one question of ``data/queries`` with a frame; parameters are bound, never text.

        Raises:
            StoreError: there is no such question, or the file is damaged where its answer lies.
        """
        text = sql("queries", name)
        try:
            with self._db.cursor() as cursor:
                try:
                    answer: pl.DataFrame = cursor.sql(text, params=params or None).pl()
                except duckdb.OutOfMemoryException:
                    self._make_room()
                    answer = cursor.sql(text, params=params or None).pl()
                return answer
        except duckdb.Error as error:
            if not str(error).startswith(DAMAGED):
                raise
            raise self._unusable(error, "is damaged") from error

    def _unusable(self, error: duckdb.Error, how: str) -> StoreError:
        if isinstance(error, duckdb.OutOfMemoryException):
            return StoreError(RAN_OUT)  # nothing is wrong with the file
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        return StoreError(
            f"{self.home / 'store.duckdb'} {how}: {first}. Stop what uses it and move it away: it "
            "is rebuilt from archive/."
        )

    def drain(self) -> list[SegmentResult]:
        """Import all that waits in the inbox, oldest first, and return what came of each."""
        with self._writing:
            return self._import_all(spool.waiting(self.home))

    def waiting(self) -> bool:
        """Whether the inbox holds segments that have not been refused before."""
        return any(segment.name not in self.refused for segment in spool.waiting(self.home))

    def results(self, segments: list[str]) -> list[SegmentResult]:
        """What came of segments by name; those not yet imported are left out."""
        if not segments:
            return []
        with self._db.cursor() as cursor:
            rows = cursor.execute(
                # None ever gets an earlier name: what came before need not be looked through.
                "select result from segments where segment >= $first and "
                "list_contains($tokens, split_part(segment, '-', 2)) order by segment",
                {"tokens": [spool.token_of(name) for name in segments], "first": min(segments)},
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def import_segment(self, segment: Path) -> SegmentResult:
        """Bring one segment into the tables in one transaction; a second time changes nothing."""
        with self._writing, self._db.cursor() as cursor:
            done = self.results([segment.name])
            if done:
                return done[0]
            kind = segment.suffix.lstrip(".")
            cursor.execute("begin")
            try:
                name = self._name_in_order(cursor, segment)
                runs, new = self._changed(cursor, segment, kind)
                kept_as = kind if new or segment.parent.name != "inbox" else AGAIN
                result: SegmentResult = {"segment": name, "kind": kept_as, "runs": runs}
                cursor.execute(
                    "insert into segments (segment, kind, result) values ($name, $kind, $result)",
                    {"name": name, "kind": kept_as, "result": json.dumps(result)},
                )
                if kept_as == AGAIN:
                    cursor.execute(sql("changes", "told_again"))
                cursor.execute("commit")
            except BaseException:
                with suppress(duckdb.Error):  # a full disk may refuse that too; the cause counts
                    cursor.execute("rollback")
                raise
            if kind == "forget":
                self._note_verdicts([row["run"] for row in result["runs"]])
            self._generation = self._counted()
            if kind in ("roles", "seal"):
                self._publish_roles()
            return result

    def _changed(
        self, cursor: duckdb.DuckDBPyConnection, segment: Path, kind: str
    ) -> tuple[list[RunResult], bool]:
        """Do what a segment says, in the layout of this program; one row a run, and whether it
        has to be kept: that it said anything new, or may to another program."""
        with restated(self.home, segment) if kind == "import" else nullcontext(segment) as place:
            runs = pl.read_parquet(place / "runs.parquet", glob=False)
            results = CHANGES[kind](cursor, place, runs)
            (number,) = cursor.execute("select number from generation").fetchall()[0]
            new = kind not in REPEATED or place != segment or number != self._generation
            return results, new or any(result.get("noted") for result in results)

    def save_verdicts(self, rows: pl.DataFrame) -> None:
        """Keep computed verdicts (columns of the table verdicts), replacing earlier ones."""
        if not rows.height:
            return
        with self._writing, self._db.cursor() as cursor:
            cursor.register("incoming_verdicts", rows)
            cursor.execute("begin")
            cursor.execute(
                "delete from verdicts using incoming_verdicts i where verdicts.run_id = i.run_id "
                "and verdicts.until_step = i.until_step and verdicts.gold_source = i.gold_source"
            )
            cursor.execute(
                "insert into verdicts select run_id, until_step, gold_source, method, generation, "
                "verdict, looks from incoming_verdicts semi join runs using (run_id)"
            )
            if rows["until_step"].ne(NOWHERE).any():
                cursor.execute(sql("changes", "most_frozen"), {"most": MOST_FROZEN})
            cursor.execute("commit")
            cursor.unregister("incoming_verdicts")
            now = rows.filter(pl.col("until_step") == NOWHERE)  # a frozen view changes no other one
            if now.height:
                self._note_verdicts(now["run_id"].to_list())
                self.verdicts_saved += 1

    def save_indicators(self, rows: pl.DataFrame) -> None:
        """Keep computed indicators (columns of the table indicators), replacing earlier ones."""
        if not rows.height:
            return
        with self._writing, self._db.cursor() as cursor:
            cursor.register("incoming_indicators", rows)
            cursor.execute("begin")
            cursor.execute(sql("changes", "keep_indicators"))
            cursor.execute("commit")
            cursor.unregister("incoming_indicators")
            self.indicators_saved += 1

    def _make_room(self) -> None:
        """Let DuckDB have what it asks for, from now on: a rare change or question needs it."""
        with self._db.cursor() as cursor:
            cursor.execute("reset memory_limit")

    def _import_all(self, segments: list[Path]) -> list[SegmentResult]:
        """Import segments in order. One that cannot be read stays where it is, and says why.

        It is tried again by the next import and the next owner: what was acknowledged is never
        thrown away, and a full disk is no damaged segment.
        """
        results = []
        for segment in segments:
            try:
                try:
                    results.append(self.import_segment(segment))
                except duckdb.OutOfMemoryException:
                    self._make_room()
                    results.append(self.import_segment(segment))
            except Exception as error:
                why = str(error).splitlines()[0] if str(error) else type(error).__name__
                if self.refused.get(segment.name) != why:
                    print(f"{segment} cannot be imported: {why}", file=sys.stderr, flush=True)
                self.refused[segment.name] = why
                continue
            self.refused.pop(segment.name, None)
            if results[-1]["kind"] == AGAIN:
                spool.discard(self.home, segment)
            elif segment.parent.name == "inbox":
                spool.archive(self.home, segment, results[-1]["segment"])
        return results

    def _name_in_order(self, cursor: duckdb.DuckDBPyConnection, segment: Path) -> str:
        """A segment's own name, or a later one where later segments are in the tables already."""
        late = (
            segment.parent.name == "inbox"
            and cursor.execute(
                "select 1 from segments where segment > $name limit 1", {"name": segment.name}
            ).fetchall()
        )
        return spool.last_name(self.home, segment.name) if late else segment.name

    def _publish_roles(self) -> None:
        with self._db.cursor() as cursor:
            kept_roles.publish(self.home, role_changes.choices(cursor))
            sealing.publish(self.home, cursor)

    def _counted(self) -> int:
        with self._db.cursor() as cursor:
            row = cursor.execute("select number from generation").fetchone()
        return int(row[0]) if row else 0

    def _imported(self) -> set[str]:
        with self._db.cursor() as cursor:
            rows = cursor.execute("select segment from segments").fetchall()
        return {str(row[0]) for row in rows}

    def _migrate(self, path: Path) -> None:
        with self._db.cursor() as cursor:
            tables = {row[0] for row in cursor.execute("show tables").fetchall()}
            if not tables:
                cursor.execute("begin")
                cursor.execute((Path(__file__).parent / "schema.sql").read_text())
                cursor.execute("commit")
            elif "store_version" not in tables:
                raise StoreError(f"{path} is a DuckDB file, but not a store of this program")
            row = cursor.execute("select max(version) from store_version").fetchone()
            version = int(row[0]) if row else 0
            if version > SCHEMA_VERSION:
                raise StoreError(
                    f"{path} has schema version {version}, this program knows up to "
                    f"{SCHEMA_VERSION}: use the newer program that wrote it"
                )
            cursor.execute("begin")
            new = ddl.follow(cursor)
            cursor.execute(sql("changes", "answers_macros"))  # which later changes fill rollups by
            for target, name in MIGRATIONS:
                if target > version:
                    if name is not None:
                        cursor.execute(sql("changes", name))
                    cursor.execute("insert into store_version (version) values ($v)", {"v": target})
            new = [one for one in new if ddl.to_fill(cursor, *one)]
            if new:
                self._make_room()  # rows of all runs are changed at once
                for table, column in new:
                    ddl.fill(cursor, table, column)
                runs = cursor.execute("select run_id from runs").fetchall()
                refresh(cursor, [row[0] for row in runs])
            cursor.execute("commit")
