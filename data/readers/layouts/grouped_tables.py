"""Tables of several files: shards, charts and downloads of one run, files of ranks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from data.columns import LogError
from data.readers.files import table_files
from data.readers.files.blocks import joined
from data.readers.files.table_files import Table
from data.readers.layouts import named_charts, shapes

SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-\d{5}(?P<suffix>\..+)")
RANK = re.compile(
    r"(?P<stem>.*?)[._-]?(?P<word>rank|worker|proc|process)[._-]?(?P<number>\d{1,5})"
    r"(?P<rest>(\..+)?)", re.IGNORECASE,
)  # fmt: skip
CHARTS = "charts of wandb"


def place(path: Path) -> Path:
    """What stands for all files that are read together with this one; the path where none is."""
    if found := SHARD.fullmatch(path.name):
        return path.with_name(found["stem"] + found["suffix"])
    if named_charts.is_one(path):
        return path.with_name(f"charts of a metric each{path.suffix}")
    if found := RANK.fullmatch(path.name):
        return path.with_name(f"{found['stem']}.{found['word']}{found['rest']}")
    if found := RANK.fullmatch(path.parent.name):
        return path.parent.with_name(f"{found['stem']}.{found['word']}") / path.name
    if path.name.lower().endswith(".csv") and shapes.starts_as_chart(path):
        return path.with_name(CHARTS)
    return path


def together(paths: Sequence[Path]) -> list[Table]:
    """The tables that several files are; files that do not belong together stay apart.

    Raises:
        LogError: a file cannot be read.
    """
    first = paths[0]
    if named_charts.is_one(first):
        return [shapes.of_downloads([table_files.load(path) for path in paths])]
    if SHARD.fullmatch(first.name):
        return [_shards(paths)]
    ranks = _ranks(paths)
    if ranks is None:
        return [shapes.of_charts([table_files.load(path) for path in paths])]
    if sorted(ranks) != list(range(len(paths))):  # of a LoRA, perhaps
        return [table_files.load(path) for path in paths]
    table = table_files.load(ranks[0])
    others = ", ".join(_shown(ranks[n]) for n in sorted(ranks)[1:5])
    table.notes.append(
        f"{len(paths)} ranks wrote at once: {_shown(ranks[0])} is read, {others}"
        f"{' and more' if len(paths) > 5 else ''} left out"
    )
    return [table]


def _shown(path: Path) -> str:
    return path.name if RANK.fullmatch(path.name) else f"{path.parent.name}/{path.name}"


def _ranks(paths: Sequence[Path]) -> dict[int, Path] | None:
    """The files by rank; None where they are of no ranks."""
    found = {}
    for path in paths:
        match = RANK.fullmatch(path.name) or RANK.fullmatch(path.parent.name)
        if match is None:
            return None
        found[int(match["number"])] = path
    return found


def _shards(paths: Sequence[Path]) -> Table:
    """Shards of one table in their order."""
    tables = [table_files.load(path) for path in sorted(paths)]
    if len({tuple(sorted(t.frame.columns)) for t in tables}) > 1:
        raise LogError(f"{paths[0].name} and the other shards have not the same columns")
    whole = Table(paths[0], joined([table.frame for table in tables]), place=tables[0].place)
    whole.lines = [line for table in tables for line in table.lines]
    whole.unread = [f"{t.path.name} {problem}" for t in tables for problem in t.unread]
    whole.notes = [note for table in tables for note in table.notes]
    return whole
