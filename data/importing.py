"""From paths to rows in the store: read, write segments, have the owner import them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data import readers, spool
from data.columns import ReadOptions, RunLog, Skip
from data.home import EXAMPLES, is_default
from data.kl_seen import KLSeen
from data.owner import Owner
from data.remote import StoreAccess
from data.sql import StoreError

SEGMENT_ROWS = 491_520
"""Rows after which a segment is closed: bounds memory, keeps transactions short."""


COUNTS = ("points", "gold_evaluations", "samples", "answers", "behaviours", "replaced")
TOLD = (
    "kl_key", "kl_estimator", "kl_logged_unit", "kl_reference", "kl_conversion", "proxy_key",
    "gold_key", "length_key",
)  # fmt: skip
"""Facts of a run that the result of an import names."""


@dataclass
class Imported:
    """What an import did: one row a run, and what was not read."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The document of ``import --json``."""
        return {
            "runs": self.runs,
            "skipped": [{"path": s.path, "reason": s.reason} for s in self.skipped],
        }


def import_paths(
    home: Path,
    paths: Sequence[Path],
    options: ReadOptions,
    progress: Callable[[RunLog | Skip], None] | None = None,
) -> Imported:
    """Read logs and bring them into the store of ``home``; returns when all of it is durable.

    Args:
        home: folder of the store.
        paths: files or folders, any mix.
        options: mapping of keys, project, format.
        progress: told of each run read or thing skipped.

    Raises:
        LogError: with ``options.strict``, at the first log that cannot be read.
        StoreError: the store cannot be used; what was read by then waits in the inbox.
    """
    done = spool_paths(home, paths, options, progress)
    if done.segments:
        with StoreAccess(home) as store:
            store.drain()
            results = store.results(done.segments)
        if len(results) < len(done.segments):
            missing = set(done.segments) - {str(result["segment"]) for result in results}
            raise StoreError(
                f"the store {home} could not take in {', '.join(sorted(missing))}: it waits in "
                "inbox/ and is tried again with the next import (why: the owner's output)"
            )
        done.runs = _by_run(results)
    return done


def spool_paths(
    home: Path,
    paths: Sequence[Path],
    options: ReadOptions,
    progress: Callable[[RunLog | Skip], None] | None = None,
    keep_skips: bool = True,
    origin: str | None = None,
) -> Imported:
    """Read logs into durable segments in the inbox; whoever owns the store imports them.

    ``origin`` stands for the path of logs that were not read from a file of the user's.
    With ``options.whole`` nothing is kept where anything was skipped.
    """
    done = Imported()
    batch: dict[str, RunLog] = {}
    rows = 0
    paths_read: list[str] = []
    seen = KLSeen()
    items: Iterable[RunLog | Skip] = readers.read(paths, options)
    if options.whole:
        items = list(items)
        done.skipped = [item for item in items if isinstance(item, Skip)]
        if done.skipped:
            return done
    for item in items:
        if progress:
            progress(item)
        if isinstance(item, Skip):
            done.skipped.append(item)
            continue
        said = seen.compared(item)
        item.warnings += [said] if said else []
        paths_read.append(item.path)
        item.path = origin or item.path
        if item.run in batch or rows > SEGMENT_ROWS:
            _close(home, batch, options, done)
            rows = 0
        batch[item.run] = item
        rows += item.metrics.height + item.samples.height + item.answers.height
        rows += item.behaviours.height
    _close(home, batch, options, done)
    if done.skipped and keep_skips:
        done.segments.append(spool.write_skips(home, done.skipped, paths_read))
    return done


def _close(home: Path, batch: dict[str, RunLog], options: ReadOptions, done: Imported) -> None:
    if batch:
        logs = list(batch.values())
        done.segments.append(spool.write_segment(home, logs, options.project))
        batch.clear()


def _by_run(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a run out of one row a run and segment: counts add up."""
    rows: dict[str, dict[str, Any]] = {}
    for result in results:
        for run in result["runs"]:
            facts = run["facts"]
            row = rows.setdefault(run["run"], {
                "run": run["run"], "format": run["format"], "points": 0, "gold_evaluations": 0,
                "samples": 0, "answers": 0, "behaviours": 0, "replaced": 0,
            })  # fmt: skip
            for key in COUNTS:
                row[key] += run.get(key, 0)  # an older owner counts no behaviours
            row |= {key: facts.get(key) for key in TOLD}
            row["warnings"] = [*row.get("warnings", []), *run["warnings"]]
    for row in rows.values():
        row["warnings"] = list(dict.fromkeys(row["warnings"]))
    return list(rows.values())


def fill_with_examples(owner: Owner) -> Imported | None:
    """Bring the bundled real runs into a store that never held anything, unless home was named.

    A store whose runs were all forgotten stays empty.
    """
    if not is_default() or owner.store.generation > 0:
        return None
    done = spool_paths(owner.home, [EXAMPLES], ReadOptions(project="examples"))
    owner.store.drain()
    return done
