"""Which policies a training has saved: folders named checkpoint-N beside its log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from data.readers.files.table_files import SUFFIXES
from data.readers.files.trainer_state import CHECKPOINT


def checkpoints_in(folder: Path) -> list[int]:
    """Steps of the checkpoint folders in a run's folder, ascending."""
    try:
        found = [CHECKPOINT.fullmatch(p.name) for p in folder.iterdir() if p.is_dir()]
    except OSError:
        return []
    return sorted({int(match.group(1)) for match in found if match})


def checkpoints_beside(table: Path, is_anothers: Callable[[Path], bool]) -> list[int]:
    """Steps of the checkpoint folders beside a table of one run.

    None where another run's log lies there too: nothing says to which of them the folders belong.

    Args:
        table: the run's.
        is_anothers: whether another table may be the log of another run.
    """
    saved = checkpoints_in(table.parent)
    if not saved:
        return []
    tables = (p for p in table.parent.iterdir() if p.name.lower().endswith(tuple(SUFFIXES)))
    return [] if any(is_anothers(p) for p in tables if p != table) else saved
