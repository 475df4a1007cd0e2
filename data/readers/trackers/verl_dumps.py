"""verl's dumps of rollouts: the responses of one step a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from data.columns import LogError
from data.readers.files import table_files
from data.readers.raw.reader import Asked, Frame, Gives, Reader, Samples, dumps
from data.readers.responses.dumped import dumped
from data.readers.trackers.verl import FORMAT, start_of

NAME = "verl dumps"
FOLDERS = re.compile(
    r"((train|val|validation)[_-]?)?(rollouts?|generations?|validation|val)"
    r"([_-]?(data|dumps?|dir|samples))?",
    re.IGNORECASE,
)
"""Names of folders for dumps that say nothing of the run: the folder above them does."""

_LINE = re.compile(rb'\s*\{\s*"input"\s*:.*', re.DOTALL)
_FILE = re.compile(r"\d{1,18}\.jsonl")
_RENAMED = {"input": "prompt", "output": "completion", "score": "proxy_reward"}


def recognises(path: Path) -> bool:
    """Whether a file is, by its name and its first line, one step's dump of rollouts."""
    named = _FILE.fullmatch(path.name) is not None
    return named and _LINE.match(start_of(path)) is not None


def rollouts(paths: Sequence[Path], problems: list[str]) -> Iterator[Frame]:
    """The dumps of rollouts in our words, each with a column ``phase``."""
    for path in sorted(paths, key=_step):
        try:
            frame = table_files.load(path, "jsonl").frame
            if not {"input", "output"} <= set(frame.columns):
                raise LogError(f"{path.name} has no columns input and output")
        except LogError as error:
            problems.append(str(error))
            continue
        frame = frame.rename({a: b for a, b in _RENAMED.items() if a in frame.columns})
        phase = "eval" if "val" in path.parent.name.lower() else "train"
        if "step" not in frame.columns or not frame.schema["step"].is_integer():
            frame = frame.with_columns(step=pl.lit(int(path.stem), pl.Int64))
        yield path.name, frame.with_columns(phase=pl.lit(phase))


def _step(path: Path) -> tuple[Path, int]:
    return path.parent, int(path.stem) if path.stem.isdigit() else -1


def _of_run(paths: Sequence[Path], asked: Asked) -> Samples:
    return dumped(NAME, paths, rollouts, asked, proxy="score", gold="acc")


READER = Reader(
    name=NAME,
    of=FORMAT,
    expects="verl's rollout dumps (<step>.jsonl)",
    rank=6,  # beside event files they do not say whose those are
    gives=(Gives.RESPONSES,),
    recognises=recognises,
    read=dumps(NAME, _of_run),
    own_folders=FOLDERS,
    examples=("tests/data/logs/verl/dumps/grpo_dumped",),
    tells="responses and their scores",
    kl="",
)
