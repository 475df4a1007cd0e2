"""What a reader is: one declaration, which says all that is asked of a log format.

Discovery, ``--format``, the files of a run, ranks and the README's table of formats follow from
it (``data.readers.runs.formats``). A reader opens only the paths that it is given, so what was
packed may be unpacked elsewhere first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from re import Pattern

import polars as pl

from data.columns import LogError, ReadOptions, RunLog, Skip, Source
from data.readers.raw.scalars import Scalars


class Gives(Enum):
    """What a log may hold of a run."""

    METRICS = "metrics"
    SETTINGS = "settings"
    RESPONSES = "responses"
    ANSWERS = "answers"
    CORPUS = "corpus"
    AUDITS = "human re-grades"
    BEHAVIOURS = "behaviours"
    LOOP = "what is told of a loop"


class Belongs(Enum):
    """How a file belongs to a run."""

    FOLDER = "one of the files of its run's folder"
    OWN = "a run of its own"
    STORE = "a store, which may hold several runs"
    TABLE = "a plain table, which names its runs or is named as its run is"


@dataclass(frozen=True)
class Place:
    """Where one file belongs: the folder from which its run's is looked for, and its log.

    ``log`` is what is read: the file itself, or the folder of which it is one of many files.
    """

    belongs: Belongs
    folder: Path
    log: Path


def in_folder(path: Path) -> Place:
    """One of the files of its run's folder."""
    return Place(Belongs.FOLDER, path.parent, path)


def of_its_own(path: Path) -> Place:
    """A run of its own, named as the file is, or as it says itself."""
    return Place(Belongs.OWN, path, path)


def in_store(path: Path) -> Place:
    """A store, which names its runs."""
    return Place(Belongs.STORE, path.parent, path)


def plain_table(path: Path) -> Place:
    """A plain table."""
    return Place(Belongs.TABLE, path, path)


class NotALog(LogError):
    """A whole file that has nothing to do with runs; no log unless it was named."""


@dataclass(frozen=True)
class Foreign(Skip):
    """A whole file that has nothing to do with runs; told only where it was named."""


Frame = tuple[str, pl.DataFrame]
"""A table of responses: its name for messages, and its rows."""


@dataclass(frozen=True)
class Asked:
    """What the metrics of a run say to the reader of its responses.

    ``proxy`` and ``gold`` name the reward functions; ``rewarded`` holds the training steps that
    have a reward (None = there are no metrics); ``generations`` is the number of responses to a
    prompt as set (None = not known).
    """

    proxy: str | None
    gold: str | None
    rewarded: set[int] | None
    generations: int | None
    options: ReadOptions


@dataclass
class Samples:
    """The responses of one run, with what is to be said about them."""

    frame: pl.DataFrame
    rows_by_file: dict[str, int] = field(default_factory=dict)
    broken: list[tuple[str, str]] = field(default_factory=list)  # path, reason
    warnings: list[str] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    proxy_key: str | None = None  # the columns taken where no metrics name them
    gold_key: str | None = None


@dataclass
class Piece:
    """What one reader has of one run; nothing of it is read before it is asked for."""

    kind: str  # the reader's name
    path: Path
    scalars: Callable[[], Scalars] | None = None
    responses: Callable[[Asked], Samples] | None = None
    tables: Callable[[list[str]], Iterator[Frame]] | None = None  # of responses, as logged
    started: float = 0.0  # orders pieces of one kind: a later one overtakes an earlier
    name: str = ""  # as a store names the run
    project: str = ""
    of_store: bool = False  # one of the several runs that a store may hold
    placed: bool = False  # the store's own folder, made inside the run's, holds it
    beside: Callable[[], Iterator[tuple[Path, str]]] | None = None  # runs in that folder, by name
    rows: int = 0  # of metrics, once read


Read = Callable[[Sequence[Path], ReadOptions], Iterator[Piece | RunLog | Skip]]
"""Reads the logs of one run, or one store or table: pieces of runs, or whole runs, and Skips.

A broken log is a Skip and leaves the rest; nothing is raised.
"""


def _never(path: Path) -> bool:
    return False


def _none(path: Path) -> frozenset[Path]:
    return frozenset()


@dataclass(frozen=True)
class Reader:
    """A log format: how its files are known, to which run they belong, and how they are read.

    ``name`` stands in the sources of a run; ``expects`` says in words what is read (messages,
    README). ``rank`` tells which of a run's logs is believed where they differ: the smaller.
    ``recognises`` looks at name and start of a file and is asked of every file in a folder.
    ``examples`` are small logs in this repository, by path from its root.
    """

    name: str
    expects: str
    rank: int
    gives: tuple[Gives, ...]
    recognises: Callable[[Path], bool]
    read: Read
    examples: tuple[str, ...]
    tells: str  # for the README: what is read of it
    kl: str = "by the trainer that wrote them"  # for the README: what its KL is

    belongs: Callable[[Path], Place] = in_folder
    inside: tuple[str, ...] = ()
    """Folders that its writer makes in a run's folder (patterns of the name, or of the last two
    parts): all logs in them are the run's above."""
    own_folders: Pattern[str] | None = None
    """Folders that are the run's above for this reader's own files only."""
    passes_by: Callable[[Path], bool] = _never
    """Folders below a log that hold what was stored with it, and no logs."""

    names: Callable[[Path], Collection[Path]] = _none
    """Files that a log names and that are read with it: in a folder they are not read apart."""

    of: str = ""
    """The format whose logs these are, where several readers read one."""
    also: Mapping[str, Callable[[Path], bool]] = field(default_factory=dict)
    """Further words for ``--format``, each with the files that it means."""
    place_of: Callable[[Path], Place] | None = None
    """Where a named file belongs with its ``--format``: it is then read whatever it is called."""
    takes: Callable[[Path], bool] = _never
    """Files that it reads where they are named, and passes by in a folder."""

    stored: int | None = None
    """The rank of its rows in a store, where stores have kept another than ``rank``."""
    once: bool = False
    """A file is written once and never again: ``watch`` need not look at it twice."""
    appended: bool = False
    """Lines are appended, and mean the same without those before them: ``watch`` reads the end."""

    @property
    def format(self) -> str:
        """The format under which its runs are listed, and the word for ``--format``."""
        return self.of or self.name

    def means(self, path: Path, wanted: str) -> bool:
        """Whether ``--format`` means this reader's reading of a file, which it recognises."""
        return wanted == self.format or (wanted in self.also and self.also[wanted](path))


def shown(path: Path | str) -> str:
    """A path as text that can be stored: a name that is not UTF-8 loses its odd bytes."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def skip(path: Path, error: LogError) -> Skip:
    """What is said of a log that could not be read."""
    kind = Foreign if isinstance(error, NotALog) else Skip
    return kind(shown(path), shown(str(error)))


def scalar_log(
    name: str, read: Callable[[Path], Scalars], started: Callable[[Path], float] | None = None
) -> Read:
    """Reads files of scalars of one run: a later file overtakes the steps that it repeats.

    Args:
        name: the reader's.
        read: one file; raises LogError where it cannot be read.
        started: when a file was begun; without it they are read in the order of their names.
    """

    def pieces(paths: Sequence[Path], options: ReadOptions) -> Iterator[Piece | RunLog | Skip]:
        found = []
        for path in paths:
            try:
                began = started(path) if started else 0.0
            except LogError as error:
                yield skip(path, error)
                continue
            found.append(Piece(name, path, scalars=partial(read, path), started=began))
        yield from sorted(found, key=lambda piece: (piece.started, piece.path))

    return pieces


def store(runs: Callable[[Path], Iterable[Piece]]) -> Read:
    """Reads stores of several runs; ``runs`` gives those of one, and raises LogError."""

    def pieces(paths: Sequence[Path], options: ReadOptions) -> Iterator[Piece | RunLog | Skip]:
        for path in paths:
            try:
                found = list(runs(path))
            except LogError as error:
                yield skip(path, error)
                continue
            for piece in found:
                piece.of_store = True
                yield piece

    return pieces


def dumps(name: str, read: Callable[[Sequence[Path], Asked], Samples]) -> Read:
    """Reads dumps of one run's responses, all of its files at once."""

    def pieces(paths: Sequence[Path], options: ReadOptions) -> Iterator[Piece | RunLog | Skip]:
        yield Piece(name, paths[0], responses=partial(read, paths))

    return pieces


def whole_logs(read: Callable[[Path, ReadOptions], Iterable[RunLog]]) -> Read:
    """Reads files that hold whole runs (tables, evaluations), which need nothing beside them."""

    def logs(paths: Sequence[Path], options: ReadOptions) -> Iterator[Piece | RunLog | Skip]:
        for path in paths:
            try:
                yield from read(path, options)
            except LogError as error:
                yield skip(path, error)

    return logs
