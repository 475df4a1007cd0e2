"""Following logs while they grow: what changed is read, the store adds what is new.

A tick looks at the folders' and files' times only, so that a thousand quiet files cost little.
A run whose log grew has its metric files read again, but of its completions only the new files;
JSON Lines are read from the last whole line on. Nothing is remembered on disk: after a restart
everything is read once more, and the store finds that it has it already.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data import spool
from data.columns import ReadOptions
from data.incoming.importing import Imported, spool_paths
from data.readers.metrics import tails
from data.readers.raw.reader import Belongs, Reader
from data.readers.runs.discover import run_folder
from data.readers.runs.formats import reader_of, reader_of_named

FULL_SCAN = 30.0
"""Seconds between scans of every file: a file rewritten in place does not touch its folder."""

INTERVAL = 0.5
"""Seconds between ticks: half of it is how long a new row waits here."""

State = tuple[int, int, int]  # inode, size, time of change in ns


@dataclass
class Tail:
    """How far a JSON Lines file has been read."""

    inode: int
    offset: int


@dataclass
class Watch:
    """What has been seen of some paths; ``tick`` reads what changed since the last one."""

    home: Path
    paths: Sequence[Path]
    options: ReadOptions
    files: dict[Path, State] = field(default_factory=dict)
    folders: dict[Path, dict[Path, int]] = field(default_factory=dict)  # by the path they are under
    tails: dict[Path, Tail] = field(default_factory=dict)
    readers: dict[Path, Reader] = field(default_factory=dict)
    _written_once: set[Path] = field(default_factory=set)  # completions: a file a step
    _scanned: float = -FULL_SCAN

    def tick(self) -> Imported:
        """Read everything that is new or has changed into the inbox."""
        changed = self._changed()
        done = Imported()
        if not changed:
            return done
        read = set()
        for path in changed:
            part = self._read_tail(path) if tails.may_grow(path, self._reader(path)) else None
            if part is not None:
                read.add(path)
                _add(done, part)
        whole = self._with_their_run(path for path in changed if path not in read)
        if whole:
            _add(done, spool_paths(self.home, whole, self.options))
        return done

    def _changed(self) -> list[Path]:
        """Logs that are new, or whose size, time or inode changed; vanished ones are dropped."""
        whole = time.monotonic() - self._scanned >= FULL_SCAN
        if whole:
            self._scanned = time.monotonic()
            self.folders.clear()
        changed: list[Path] = []
        for folder in [p for p in self.paths if p.is_dir()]:
            changed += self._scan(folder.resolve())
        for path in [p.resolve() for p in self.paths if p.is_file()]:
            self.files.setdefault(path, (0, -1, 0))
        fresh = set(changed)
        for path, before in list(self.files.items()):
            if not whole and (path in fresh or path in self._written_once):
                continue  # the full scan sees one that was written again
            now = _state(path)
            if now is None:
                del self.files[path]
                self.tails.pop(path, None)
                self.readers.pop(path, None)
                self._written_once.discard(path)
            elif now != before:
                self.files[path] = now
                changed.append(path)
        return sorted(set(changed))

    def _scan(self, root: Path) -> list[Path]:
        """New logs in folders whose listing changed."""
        found, known = [], self.folders.setdefault(root, {})
        stack = [f for f, listed in known.items() if _listed_at(f) != listed] if known else [root]
        while stack:
            folder = stack.pop()
            known[folder] = _listed_at(folder)
            try:
                with os.scandir(folder) as entries:
                    listing = [(Path(e.path), e.is_dir(follow_symlinks=False)) for e in entries]
            except OSError:
                known.pop(folder, None)
                continue
            for path, is_folder in listing:
                if is_folder:
                    if path not in known and not path.name.startswith("."):
                        stack.append(path)
                elif path not in self.files and (reader := reader_of(path)) is not None:
                    state = _state(path)
                    if state:
                        self.files[path], self.readers[path] = state, reader
                        found.append(path)
                        if reader.once:
                            self._written_once.add(path)
        return found

    def _with_their_run(self, changed: Iterable[Path]) -> list[Path]:
        """Changed files, and the other metric files of their runs: they give the context."""
        wanted = set(changed)
        runs = {self._run(path) for path in wanted} - {None}
        for path in self.files:
            if path not in wanted and path not in self._written_once and self._run(path) in runs:
                wanted.add(path)
        return sorted(wanted)

    def _run(self, path: Path) -> Path | None:
        """The folder of a file's run; None where the file needs no other beside it."""
        reader = self._reader(path)
        if reader is None or reader.belongs(path).belongs in (Belongs.OWN, Belongs.TABLE):
            return None
        return run_folder(path, reader)

    def _reader(self, path: Path) -> Reader | None:
        """The reader of a file that is followed, looked up once: it is known by its start."""
        if path not in self.readers:
            found = reader_of_named(path, self.options.format)
            if found is None:
                return None
            self.readers[path] = found
        return self.readers[path]

    def _read_tail(self, path: Path) -> Imported | None:
        """The whole lines of a JSON Lines file that came since the last time.

        None where the file must be read whole: it is new here, was truncated or replaced, or its
        new rows mean nothing without the others.
        """
        tail, state = self.tails.get(path), self.files[path]
        if tail is None or tail.inode != state[0] or state[1] < tail.offset:
            self.tails[path] = Tail(state[0], tails.whole_lines(path))
            return None
        text = tails.since(path, tail.offset)
        if not text:
            return Imported()
        self.tails[path] = Tail(state[0], tail.offset + len(text))
        if not tails.stand_alone(text, tails.last_step(path, tail.offset)):
            return None
        with spool.scratch(self.home) as folder:
            # The folders above may name the run, as the file's place does.
            place = Path(folder) / path.parent.parent.name / path.parent.name
            place.mkdir(parents=True, exist_ok=True)
            part = place / path.name
            part.write_bytes(text)
            return spool_paths(self.home, [part], self.options, origin=str(path))


def follow(
    watch: Watch,
    drain: Callable[[], object],
    report: Callable[[Imported], None],
    interval: float = INTERVAL,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Tick until ``stop``; reading takes at most a fifth of a core, the owner half of the time.

    Args:
        watch: what to follow.
        drain: has the owner import the inbox.
        report: told of each tick that read something.
        interval: seconds between ticks.
        stop: asked between ticks.
    """
    while not stop():
        began, taken = time.process_time(), 0.0
        done = watch.tick()
        if done.segments:
            # CPU seconds: on a busy machine the clock would make new rows wait for nothing.
            taken = 4 * (time.process_time() - began)
            asked = time.monotonic()
            drain()
            taken = max(taken, time.monotonic() - asked)
        if done.segments or done.skipped:
            report(done)
        time.sleep(max(interval, taken))


def _state(path: Path) -> State | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _listed_at(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return -1


def _add(done: Imported, more: Imported) -> None:
    done.segments += more.segments
    done.skipped += more.skipped
