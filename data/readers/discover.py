"""Which files under the named paths are logs, and which of them are one run's."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data.columns import ReadOptions, Skip
from data.readers import (
    completions,
    evaluations,
    mlflow,
    openrlhf,
    tables,
    tfevents,
    trackio,
    trainer_state,
    verl,
    wandb,
)

# Folders that a trainer makes inside a run's folder: parts of the run above.
_PART = re.compile(r"checkpoint-\d+|tb|runs|wandb|trackio|completions")
_HOST = re.compile(r"[A-Z][a-z]{2}\d{1,2}_\d{2}-\d{2}-\d{2}_.+")  # Nov23_11-13-00_host, under runs
CHECKPOINT = re.compile(r"checkpoint-(\d+)")
READERS = (
    trainer_state, trackio, wandb, mlflow, tfevents, completions, verl, openrlhf, evaluations,
    tables,
)  # fmt: skip
KNOWN = "; ".join(r.EXPECTS for r in READERS)
FORMATS = (*dict.fromkeys(r.FORMAT for r in READERS), "csv", "jsonl", "parquet")
TABLE_FORMATS = ("table", "csv", "jsonl", "parquet")


@dataclass
class RunFolder:
    """The files of one run of a trainer, by kind."""

    folder: Path
    states: list[Path] = field(default_factory=list)
    events: list[Path] = field(default_factory=list)
    completions: list[Path] = field(default_factory=list)
    stores: list[Path] = field(default_factory=list)  # trackio, wandb, MLflow: several runs in each
    lines: list[Path] = field(default_factory=list)  # verl's file logger, OpenRLHF's output
    rollouts: list[Path] = field(default_factory=list)  # verl's dumps, one file a step
    named: set[Path] = field(default_factory=set)  # whose path the user gave

    def logs(self) -> list[Path]:
        """All files that are read."""
        return [
            *self.states, *self.stores, *self.events, *self.completions, *self.lines,
            *self.rollouts,
        ]  # fmt: skip


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
    folder = mlflow.store_of(path) or path.parent
    while folder.parent != folder:
        hosted = folder.parent.name == "runs" and _HOST.fullmatch(folder.name)
        tracked = folder.parent.name == "wandb" and wandb.RUN_FOLDER.fullmatch(folder.name)
        dumped = bool(verl.DUMPS.fullmatch(folder.name)) and verl.is_dump(path)
        if not (hosted or tracked or dumped or _PART.fullmatch(folder.name)):
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
    repeated = False
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
                    if entry.name == "artifacts" and mlflow.is_run(folder):
                        continue
                    if not entry.name.startswith(".") and target not in entered:
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
    nothing = len(found.seen) == before and not repeated
    if nothing and len(found.skipped) == skipped:
        found.skipped.append(no_log(path))


def no_log(folder: Path) -> Skip:
    """The Skip of a folder that was named and has no log in it."""
    return Skip(shown(folder), f"holds no log. Known formats: {KNOWN}")


def _looks_like_a_log(path: Path, options: ReadOptions) -> bool:
    wanted = options.format
    if wanted is None:
        return any(r.recognises(path) for r in READERS)
    if wanted in TABLE_FORMATS:
        kind = None if wanted == "table" else wanted
        return tables.recognises(path) and kind in (None, tables.table_files.kind_of(path))
    return any(r.recognises(path) for r in READERS if wanted == r.FORMAT)


def _named_file(path: Path, found: Found, options: ReadOptions) -> None:
    if path in found.tables:
        found.tables[path] = TableFile(path, named=True)  # walked over before it was named
    if path in found.seen:
        return
    wanted = options.format
    if wanted in TABLE_FORMATS:
        _table(path, found, named=True)
    elif wanted == "trl" and not completions.recognises(path):
        _state(path, found)
    elif wanted == "tensorboard":
        _add(found.run(path).events, path, found)
    elif wanted in ("verl", "openrlhf") and not verl.is_dump(path):
        _add(_own(path, found).lines, path, found)
    elif any(r.recognises(path) for r in READERS):
        _sort(path, found, named=True)
    elif path.suffix == ".json" and tables.table_files.is_json_table(path):
        _table(path, found, named=True)
    elif path.suffix == ".json":
        _state(path, found)
    elif path.suffix == ".db" or wanted in ("trackio", "wandb", "mlflow"):
        run = found.run(path)
        run.named.add(path)
        _add(run.stores, path, found)
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
    elif any(r.recognises(path) for r in (trackio, wandb, mlflow)):
        run = found.run(path)
        if named:
            run.named.add(path)
        store = mlflow.run_of(path) or path  # the many files of one MLflow run are one store
        if store not in run.stores:
            run.stores.append(store)
        found.seen.add(path)
    elif verl.is_dump(path):
        _add(found.run(path).rollouts, path, found)
    elif verl.recognises(path):
        _add(_own(path, found).lines, path, found)
    elif openrlhf.recognises(path):
        _add((found.run(path) if openrlhf.is_plain(path) else _own(path, found)).lines, path, found)
    else:
        _table(path, found, named)


def _own(path: Path, found: Found) -> RunFolder:
    """The run of a file that is a run of its own."""
    return found.runs.setdefault(path, RunFolder(path))


def _state(path: Path, found: Found) -> None:
    """A trainer state under any name: a run of its own unless it has the trainer's file name."""
    run = found.run(path) if trainer_state.recognises(path) else _own(path, found)
    _add(run.states, path, found)


def _table(path: Path, found: Found, named: bool) -> None:
    found.tables[path] = TableFile(path, named)
    found.seen.add(path)


def _add(files: list[Path], path: Path, found: Found) -> None:
    files.append(path)
    found.seen.add(path)
