"""Which files under the named paths are logs, and which of them are one run's."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data.columns import ReadOptions, Skip
from data.readers.files.json_forms import NO_CURVE, SUMMARY
from data.readers.raw.reader import Belongs, Place, Reader, shown
from data.readers.runs.formats import KNOWN, READERS, reader_of, reader_of_named

_INSIDE = re.compile("|".join(
    pattern if "/" in pattern else f"[^/]*/{pattern}"
    for reader in READERS for pattern in reader.inside
))  # fmt: skip
"""The last two parts of a folder that a trainer or tracker makes inside a run's folder."""
NAMED = 10
"""Files of a folder without a log of which each is named."""


@dataclass
class RunFiles:
    """The logs that are read together, by the reader's name: those of a folder's run or stores,
    or one file that is a run of its own or a table."""

    path: Path
    files: dict[str, list[Path]] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)  # paths that the user gave, as they are shown

    def logs(self) -> list[Path]:
        """All files that are read, the richest first."""
        return [path for reader in READERS for path in self.files.get(reader.name, [])]


@dataclass
class Found:
    """What is under the named paths."""

    runs: dict[Path, RunFiles] = field(default_factory=dict)  # by folder or, of its own, by file
    skipped: list[Skip] = field(default_factory=list)
    seen: dict[Path, RunFiles] = field(default_factory=dict)  # where each file went
    folders: dict[Path, Path] = field(default_factory=dict)  # real folder -> as it was named

    def add(self, path: Path, reader: Reader, place: Place) -> RunFiles:
        """Put a file to the run to which it belongs."""
        folder = _run_folder(reader, place)
        run = self.seen[path] = self.runs.setdefault(folder, RunFiles(folder))
        logs = run.files.setdefault(reader.name, [])
        if place.log not in logs[-1:] and place.log not in logs:
            logs.append(place.log)
        return run


def run_folder(path: Path, reader: Reader) -> Path:
    """The folder that names the run of a file (above checkpoint-N, tb, runs and the like), or the
    file itself where it is a run of its own or a table."""
    return _run_folder(reader, reader.belongs(path))


def _run_folder(reader: Reader, place: Place) -> Path:
    folder = place.folder
    if place.belongs in (Belongs.OWN, Belongs.TABLE):
        return folder
    while folder.parent != folder:
        own = reader.own_folders is not None and reader.own_folders.fullmatch(folder.name)
        if not own and not _INSIDE.fullmatch(f"{folder.parent.name}/{folder.name}"):
            break
        folder = folder.parent
    return folder


def _hidden(name: str) -> bool:
    return name.startswith(".") and name != ".art"  # ART keeps its logs there


def discover(paths: Sequence[Path], options: ReadOptions) -> Found:
    """Sort everything under ``paths`` into runs, tables and what cannot be read."""
    found = Found()
    for path in paths:
        try:
            real = path.resolve()
            mode = real.stat().st_mode
        except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL in the name
            reason = getattr(error, "strerror", None) or str(error) or "cannot be opened"
            found.skipped.append(Skip(shown(path), f"cannot be opened ({reason})"))
            continue
        if stat.S_ISDIR(mode):
            found.folders[real] = path
            _folder(path, real, found, options)
        elif stat.S_ISREG(mode):
            _named_file(real, found, options)
        else:
            found.skipped.append(Skip(shown(path), "is neither a file nor a folder"))
    _leave_to_who_names_them(found)
    return found


def _leave_to_who_names_them(found: Found) -> None:
    """Files that a log names are read with it, and not once more apart."""
    owners = [
        reader for reader in READERS
        if any(reader.name in run.files for run in found.runs.values())
    ]  # fmt: skip
    named: set[Path] = set()
    for run in found.runs.values():
        for reader in owners:
            for log in run.files.get(reader.name, ()):
                named |= set(reader.names(log))
    for path, run in found.runs.items():
        for files in run.files.values():
            files[:] = [log for log in files if log not in named]
        run.named -= {shown(path)} & {shown(log) for log in named}
    found.runs = {path: run for path, run in found.runs.items() if any(run.files.values())}


def _folder(path: Path, real: Path, found: Found, options: ReadOptions) -> None:
    """Walk a folder; symbolic links are followed, but each real folder is entered once."""
    before, skipped = len(found.seen), len(found.skipped)
    repeated = False
    final: list[str] = []  # files of last values, which are told of where there is nothing else
    stack, entered = [real], {real}
    while stack:
        folder = stack.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            reason = f"cannot be listed ({error.strerror or error})"
            found.skipped.append(Skip(shown(folder), reason))
            continue
        below: list[Path] = []
        for entry in entries:
            child = Path(entry.path)
            try:
                # Only links need resolving, and resolving costs the depth of the path.
                target = child.resolve() if entry.is_symlink() else child
                if entry.is_dir():
                    if any(reader.passes_by(child) for reader in READERS):
                        continue
                    if not _hidden(entry.name) and target not in entered:
                        entered.add(target)
                        below.append(target)
                    continue
                reader = _looked_for(child, options)
                if reader is None and child.name == SUMMARY:
                    final.append(f"{SUMMARY} {NO_CURVE}")
                if reader is None or not stat.S_ISREG(target.stat().st_mode):
                    continue
            except (OSError, RuntimeError) as error:
                if _looked_for(child, options):
                    reason = f"cannot be opened ({getattr(error, 'strerror', None) or error})"
                    found.skipped.append(Skip(shown(child), reason))
                continue
            if target in found.seen:
                repeated = True
                continue
            if target != child:  # a link: what it leads to may have another name
                reader = reader_of(target) or reader
            found.add(target, reader, reader.belongs(target))
        stack += reversed(below)
    nothing = len(found.seen) == before and not repeated
    if nothing and len(found.skipped) == skipped:
        found.skipped.append(no_log(path, final[:1]))


def no_log(folder: Path, foreign: Sequence[str] = ()) -> Skip:
    """The Skip of a folder that was named and has no log in it; ``foreign``: why files are none."""
    if not foreign:
        return Skip(shown(folder), f"holds no log. Known formats: {KNOWN}")
    more = f"; and {len(foreign) - NAMED} more" if len(foreign) > NAMED else ""
    return Skip(shown(folder), f"holds no log. {'; '.join(foreign[:NAMED])}{more}")


def _looked_for(path: Path, options: ReadOptions) -> Reader | None:
    """The reader of a file in a folder; None for what is no log, or not of the format asked for."""
    wanted = options.format
    if wanted is None:
        return reader_of(path)
    meant = any(reader.recognises(path) and reader.means(path, wanted) for reader in READERS)
    return reader_of(path) if meant else None


def _named_file(path: Path, found: Found, options: ReadOptions) -> None:
    if path in found.seen:
        found.seen[path].named.add(shown(path))  # walked over before it was named
        return
    reader = reader_of_named(path, options.format)
    if reader is None:
        reason = f"{path.name} is of no known format. Known formats: {KNOWN}"
        found.skipped.append(Skip(shown(path), shown(reason)))
        return
    where = reader.place_of if options.format in (reader.format, *reader.also) else None
    found.add(path, reader, (where or reader.belongs)(path)).named.add(shown(path))
