"""Which files under the named paths are logs, and which of them are one run's."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data.columns import ReadOptions, Skip
from data.readers import completions, tables, tfevents, trainer_state

# Folders that a trainer makes inside a run's folder (DESIGN.md, Commands).
_PART = re.compile(r"checkpoint-\d+|tb|runs|wandb|trackio|completions")
_HOST = re.compile(r"[A-Z][a-z]{2}\d{1,2}_\d{2}-\d{2}-\d{2}_.+")  # Nov23_11-13-00_host, under runs
CHECKPOINT = re.compile(r"checkpoint-(\d+)")
OTHER_STORES = {"wandb": "the offline runs of wandb", "trackio": "the databases of trackio"}
KNOWN = "; ".join(r.EXPECTS for r in (trainer_state, tfevents, completions, tables))
FORMATS = ("trl", "tensorboard", "table", "csv", "jsonl", "parquet")


@dataclass
class RunFolder:
    """The files of one run of a trainer, by kind."""

    folder: Path
    states: list[Path] = field(default_factory=list)
    events: list[Path] = field(default_factory=list)
    completions: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)  # stores of other kinds: named, not read

    def logs(self) -> list[Path]:
        """All files that are read."""
        return [*self.states, *self.events, *self.completions]


@dataclass(frozen=True)
class TableFile:
    """One plain table; ``named`` when the user gave its path."""

    path: Path
    named: bool


@dataclass
class Found:
    """What is under the named paths, in the order in which it is to be read."""

    runs: dict[Path, RunFolder] = field(default_factory=dict)
    tables: dict[Path, TableFile] = field(default_factory=dict)
    skipped: list[Skip] = field(default_factory=list)
    seen: set[Path] = field(default_factory=set)
    folders: dict[Path, Path] = field(default_factory=dict)  # real folder -> as it was named

    def run(self, path: Path) -> RunFolder:
        """The run to which a file belongs."""
        folder = run_folder(path)
        return self.runs.setdefault(folder, RunFolder(folder))


def shown(path: Path | str) -> str:
    """A path as text that can be stored: a name that is not UTF-8 loses its odd bytes."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def run_folder(path: Path) -> Path:
    """The folder that names the run of a file: above checkpoint-N, tb, runs and the like."""
    folder = path.parent
    while folder.parent != folder:
        hosted = folder.parent.name == "runs" and _HOST.fullmatch(folder.name)
        if not hosted and not _PART.fullmatch(folder.name):
            break
        folder = folder.parent
    return folder


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
    return found


def _folder(path: Path, real: Path, found: Found, options: ReadOptions) -> None:
    """Walk a folder; symbolic links are followed, but each real folder is entered once."""
    before, skipped = len(found.seen), len(found.skipped)
    others_before = sum(len(run.others) for run in found.runs.values())
    repeated = False
    if real.name in OTHER_STORES:
        found.run(real / "-").others.append(real)
        return
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
                    if entry.name in OTHER_STORES:
                        found.run(child / "-").others.append(child)
                    elif not entry.name.startswith(".") and target not in entered:
                        entered.add(target)
                        below.append(target)
                    continue
                if not _looks_like_a_log(child, options):
                    continue
                if not stat.S_ISREG(target.stat().st_mode):
                    continue
            except (OSError, RuntimeError) as error:
                if _looks_like_a_log(child, options):
                    reason = f"cannot be opened ({getattr(error, 'strerror', None) or error})"
                    found.skipped.append(Skip(shown(child), reason))
                continue
            if target in found.seen:
                repeated = True
                continue
            _sort(target, found, named=False)
        stack += reversed(below)
    others = sum(len(run.others) for run in found.runs.values())
    nothing = len(found.seen) == before and others == others_before and not repeated
    if nothing and len(found.skipped) == skipped:
        found.skipped.append(no_log(path))


def no_log(folder: Path) -> Skip:
    """The Skip of a folder that was named and has no log in it."""
    return Skip(shown(folder), f"holds no log. Known formats: {KNOWN}")


def _looks_like_a_log(path: Path, options: ReadOptions) -> bool:
    if options.format == "trl":
        return trainer_state.recognises(path) or completions.recognises(path)
    if options.format == "tensorboard":
        return tfevents.recognises(path)
    if options.format is not None:
        wanted = None if options.format == "table" else options.format
        return tables.recognises(path) and wanted in (None, tables.table_files.kind_of(path))
    return any(r.recognises(path) for r in (trainer_state, tfevents, completions, tables))


def _named_file(path: Path, found: Found, options: ReadOptions) -> None:
    if path in found.tables:
        found.tables[path] = TableFile(path, named=True)  # walked over before it was named
    if path in found.seen:
        return
    wanted = options.format
    if wanted in ("table", "csv", "jsonl", "parquet"):
        _table(path, found, named=True)
    elif wanted == "trl" and not completions.recognises(path):
        _state(path, found)
    elif wanted == "tensorboard":
        _add(found.run(path).events, path, found)
    elif any(r.recognises(path) for r in (trainer_state, tfevents, completions, tables)):
        _sort(path, found, named=True)
    elif path.suffix == ".json":
        _state(path, found)
    elif path.suffix in (".db", ".wandb"):
        what = OTHER_STORES["trackio" if path.suffix == ".db" else "wandb"]
        found.skipped.append(Skip(shown(path), f"{what} are not read in this version"))
    else:
        reason = f"{path.name} is of no known format. Known formats: {KNOWN}"
        found.skipped.append(Skip(shown(path), shown(reason)))


def _sort(path: Path, found: Found, named: bool) -> None:
    if trainer_state.recognises(path):
        _add(found.run(path).states, path, found)
    elif tfevents.recognises(path):
        _add(found.run(path).events, path, found)
    elif completions.recognises(path):
        _add(found.run(path).completions, path, found)
    else:
        _table(path, found, named)


def _state(path: Path, found: Found) -> None:
    """A trainer state under any name: a run of its own unless it has the trainer's file name."""
    if trainer_state.recognises(path):
        _add(found.run(path).states, path, found)
    else:
        _add(found.runs.setdefault(path, RunFolder(path)).states, path, found)


def _table(path: Path, found: Found, named: bool) -> None:
    found.tables[path] = TableFile(path, named)
    found.seen.add(path)


def _add(files: list[Path], path: Path, found: Found) -> None:
    files.append(path)
    found.seen.add(path)
