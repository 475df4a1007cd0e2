"""Which policies a training has saved: folders named checkpoint-N beside its log."""

from __future__ import annotations

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


def checkpoints_beside(table: Path) -> list[int]:
    """Steps of the checkpoint folders beside a table of one run.

    None where other tables lie there too: nothing says to which of them the folders belong.
    """
    saved = checkpoints_in(table.parent)
    if not saved:
        return []
    tables = [p for p in table.parent.iterdir() if p.name.lower().endswith(tuple(SUFFIXES))]
    return saved if tables == [table] else []
