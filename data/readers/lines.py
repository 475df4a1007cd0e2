"""Logs of plain lines: verl's file logger and OpenRLHF's output, told apart by their content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from data.columns import LogError, Skip
from data.readers import openrlhf, verl
from data.readers.scalars import Scalars


def read(paths: Sequence[Path], broken: list[Skip]) -> Iterator[tuple[str, Scalars]]:
    """The kind and the rows of each log; a broken one goes to ``broken``."""
    for path in sorted(paths):
        module = verl if path.suffix in (".jsonl", ".json") else openrlhf
        try:
            yield module.FORMAT, module.read(path)
        except LogError as error:
            name = str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            broken.append(Skip(name, str(error)))
