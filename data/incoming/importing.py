"""From paths to rows in the store: read, write segments, have the owner import them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Required, TypedDict, cast

from data import readers, spool
from data.columns import POSTED, ReadOptions, RunLog, Skip
from data.database.any_store import AnyStore
from data.database.results import RECOGNISED, RunResult, SegmentResult
from data.database.sql import StoreError
from data.home import EXAMPLES, is_default
from data.incoming.previewing import told_as
from data.owner import Owner
from data.people import kept_roles
from data.readers.raw.reader import shown
from data.remote import StoreAccess
from data.roles.rereading_kl import KL_OPTIONS
from data.rows import loop_tables
from data.rows.kl_seen import KLSeen
from data.serving.failing import advised

SEGMENT_ROWS = 491_520
"""Rows after which a segment is closed: bounds memory, keeps transactions short."""


COUNTS = (
    "points", "gold_evaluations", "samples", "answers", "behaviours", *loop_tables.NAMES, "replaced"
)  # fmt: skip


class ImportedRun(TypedDict, total=False):
    """One run of an import: new rows of each kind (COUNTS), what was recognised (RECOGNISED)."""

    run: Required[str]
    format: Required[str]
    warnings: Required[list[str]]
    points: int
    gold_evaluations: int
    samples: int
    answers: int
    behaviours: int
    iterations: int
    reviews: int
    outcomes: int
    decisions: int
    reference_texts: int
    embeddings: int
    replaced: int
    kl_key: str | None
    kl_estimator: str | None
    kl_logged_unit: str | None
    kl_reference: str | None
    kl_conversion: str | None
    proxy_key: str | None
    gold_key: str | None
    length_key: str | None


class Unread(TypedDict):
    """What an import did not read, and why."""

    path: str
    reason: str


class ImportDocument(TypedDict):
    """The document of ``import --json``."""

    runs: list[ImportedRun]
    skipped: list[Unread]


@dataclass
class Imported:
    """What an import did: one row a run, and what was not read."""

    runs: list[ImportedRun] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)

    def to_json(self) -> ImportDocument:
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
    known = known_project(home, paths) if options.project is None else None
    options = kept_roles.applied(home, options, known)
    done = spool_paths(home, paths, options, progress)
    if done.segments:
        with StoreAccess(home) as store:
            _take_in(store, done)
    return done


def import_whole(
    store: AnyStore,
    paths: Sequence[Path],
    options: ReadOptions,
    report: Callable[[str], str],
) -> Imported:
    """Bring logs in that a page showed before: nothing is written before all of it is read.

    What was said of rewards and length is kept as the project's, so that it can be changed there;
    what was said of the KL stays stated (``project_roles.save`` mends it).

    Args:
        store: open here, or asked over HTTP.
        paths: files or folders, any mix.
        options: mapping of keys, project.
        report: turns a path of this machine into the one that is kept.

    Raises:
        StoreError: the store could not take it in; it waits in the inbox.
    """
    options = kept_roles.applied(store.home, options)
    items = [told_as(item, report) for item in readers.read(paths, options)]
    for item in items:
        if isinstance(item, RunLog):
            item.facts.stated = [name for name in item.facts.stated if name in KL_OPTIONS]
    done = spool_logs(store.home, items, options, keep_skips=False)
    if done.segments:
        _take_in(store, done)
    return done


def _take_in(store: AnyStore, done: Imported) -> None:
    """Have the owner import the segments, and tell what came of them."""
    store.drain()
    results = store.results(done.segments)
    if len(results) < len(done.segments):
        came = {spool.token_of(str(result["segment"])) for result in results}
        missing = [name for name in done.segments if spool.token_of(name) not in came]
        why = "; ".join(sorted({store.refused.get(name, "") for name in missing} - {""}))
        raise StoreError(
            f"the store {store.home} could not take in {', '.join(sorted(missing))}: it waits in "
            f"inbox/ and is tried again with the next import. {advised(why)}"
        )
    done.runs = _by_run(results)


def spool_paths(
    home: Path,
    paths: Sequence[Path],
    options: ReadOptions,
    progress: Callable[[RunLog | Skip], None] | None = None,
    keep_skips: bool = True,
    origin: str | None = None,
) -> Imported:
    """Read logs into durable segments in the inbox; whoever owns the store imports them.

    ``origin`` stands for the path of logs that were not read from a file of the user's, but from
    the one of ``paths``, which holds what came there since the last time.
    With ``options.whole`` nothing is kept where anything was skipped.
    """
    options = kept_roles.applied(home, options)
    items: Iterable[RunLog | Skip] = readers.read(paths, options)
    if origin is not None:
        items = _parts(items, paths, origin)
    if options.whole:
        items = list(items)
        skipped = [item for item in items if isinstance(item, Skip)]
        if skipped:
            return Imported(skipped=skipped)
    return spool_logs(home, items, options, progress, keep_skips)


def _parts(
    items: Iterable[RunLog | Skip], paths: Sequence[Path], origin: str
) -> Iterator[RunLog | Skip]:
    """What was read of files that exist for a moment, told as of the place where it came."""
    names = {name: origin for path in paths for name in (shown(path), str(path))}
    if origin == POSTED:  # nor has the sender a file of that name
        names |= {path.name: "the body" for path in paths}

    def renamed(text: str) -> str:
        for name, place in names.items():
            text = text.replace(name, place)
        return text

    for item in items:
        part = told_as(item, renamed)
        if isinstance(part, RunLog):
            part.path = origin
            for source in part.facts.sources:
                source |= {"path": origin, "part": True}
        yield part


def spool_logs(
    home: Path,
    items: Iterable[RunLog | Skip],
    options: ReadOptions,
    progress: Callable[[RunLog | Skip], None] | None = None,
    keep_skips: bool = True,
) -> Imported:
    """Write what was read into durable segments in the inbox (``spool_paths``)."""
    done = Imported()
    batch: dict[str, RunLog] = {}
    rows = 0
    paths_read: list[str] = []
    seen = KLSeen()
    for item in items:
        if progress:
            progress(item)
        if isinstance(item, Skip):
            done.skipped.append(item)
            continue
        notes = seen.compared(item)
        item.warnings += [notes] if notes else []
        paths_read.append(item.path)
        if item.run in batch or rows > SEGMENT_ROWS:
            _close(home, batch, options, done)
            rows = 0
        batch[item.run] = item
        rows += item.metrics.height + item.samples.height + item.answers.height
        rows += item.behaviours.height + sum(table.height for table in item.tables.values())
    _close(home, batch, options, done)
    if done.skipped and keep_skips:
        done.segments.append(spool.write_skips(home, done.skipped, paths_read))
    return done


def known_project(home: Path, paths: Sequence[Path]) -> str | None:
    """The project of the runs that were read at these paths before; None: none or several.

    The store is asked only where some project but the default has said anything of its logs.
    """
    if not set(kept_roles.read(home)) - {kept_roles.DEFAULT}:
        return None
    places = [path.resolve() for path in paths]
    with StoreAccess(home) as store:
        runs = store.query("runs", project=None, runs=None)
    found = {
        project for project, path in runs.select("project", "path").iter_rows()
        if any(Path(path).is_relative_to(place) for place in places)
    }  # fmt: skip
    return found.pop() if len(found) == 1 else None


def _close(home: Path, batch: dict[str, RunLog], options: ReadOptions, done: Imported) -> None:
    if batch:
        logs = list(batch.values())
        done.segments.append(spool.write_segment(home, logs, options.project))
        batch.clear()


@dataclass
class _Added:
    """What the segments of one import say of one run, together."""

    format: str
    counts: Counter[str] = field(default_factory=Counter)
    facts: dict[str, object] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def take(self, result: RunResult) -> None:
        """Counts add up; a table of reviews unsays nothing that one of metrics said."""
        for key in COUNTS:
            count = result.get(key, 0)  # an older owner counts fewer kinds
            self.counts[key] += count if isinstance(count, int) else 0
        for key in RECOGNISED:
            fact = result["facts"].get(key)
            known = fact not in (None, "missing")
            if self.facts.get(key) in (None, "missing") or (known and result["points"]):
                self.facts[key] = fact
        self.warnings += result["warnings"]

    def row(self, run: str) -> ImportedRun:
        counts = {key: self.counts[key] for key in COUNTS}
        made = {"run": run, "format": self.format, **counts, **self.facts}
        return cast("ImportedRun", made | {"warnings": list(dict.fromkeys(self.warnings))})


def _by_run(results: Iterable[SegmentResult]) -> list[ImportedRun]:
    """One row a run out of one row a run and segment."""
    runs: dict[str, _Added] = {}
    for result in results:
        for run in result["runs"]:
            runs.setdefault(run["run"], _Added(run["format"])).take(run)
    return [added.row(run) for run, added in runs.items()]


def fill_with_examples(owner: Owner) -> Imported | None:
    """Bring the bundled real runs into a store that never held anything, unless home was named.

    A store whose runs were all forgotten stays empty.
    """
    if not is_default() or owner.store.generation > 0:
        return None
    done = spool_paths(owner.home, [EXAMPLES], ReadOptions(project="examples"))
    owner.store.drain()
    return done
