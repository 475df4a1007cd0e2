"""OpenRLHF's output: lines ``Global step N: {…}``, its only record of metrics as text.

Its event files are read as all event files are; its dialect is told from their keys.
"""

from __future__ import annotations

import re
from pathlib import Path

from data.columns import LogError
from data.readers.raw.reader import Gives, Place, Reader, in_folder, of_its_own, scalar_log
from data.readers.raw.scalar_columns import Row
from data.readers.raw.scalars import Scalars, as_step

FORMAT = "openrlhf"
SUFFIXES = (".log", ".out")
SNIFFED = 4 << 20  # bytes in which the first line of metrics is looked for
MAX_LINE = 1 << 20
PLAIN = re.compile(r"(stdout|output|train(ing)?|log|run|console|driver|nohup|slurm-\d+|main)", re.I)
_STEP = re.compile(r"Global step (\d{1,19}): \{(.*)\}\s*$")
_EVAL = re.compile(r"global_step (\d{1,19}), eval_metrics: \{(.*)\}\s*$")
_PAIR = re.compile(
    r"'([^']{1,200})': (?:np\.float\d+\()?(-?(?:\d[\d.]{0,40}(?:e[+-]?\d{1,4})?|nan|inf))\b"
)
_MARKS = (b"Global step ", b"eval_metrics: {")


def recognises(path: Path) -> bool:
    """Whether a file is, by its name and content, OpenRLHF's output."""
    if path.suffix not in SUFFIXES or path.parent.name == "files":  # wandb's copy of the output
        return False
    try:
        with path.open("rb") as file:
            start = file.read(SNIFFED)
    except OSError:
        return False
    return re.search(rb"Global step \d+: \{'", start) is not None


def _belongs(path: Path) -> Place:
    """Where the file's name says nothing of its run, its folder names it."""
    return in_folder(path) if PLAIN.fullmatch(path.stem) else of_its_own(path)


def read(path: Path) -> Scalars:
    """The metrics of each global step, and of each evaluation.

    Raises:
        LogError: the file cannot be opened, or has no line of metrics.
    """
    scalars = Scalars(path=str(path), format=FORMAT)
    broken = 0
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE):
                if not any(mark in line for mark in _MARKS):
                    continue
                text = line.decode("utf-8", "replace")
                if not _add(text, scalars):
                    broken += 1
    except OSError as error:
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None
    if broken:
        scalars.notes.append(f"{path.name}: {broken} lines of metrics are not whole; left out")
    if not scalars.count():
        raise LogError(f"{path.name} has no line 'Global step N: {{…}}' with metrics")
    scalars.function_order = scalars.keys()
    return scalars


def _add(line: str, scalars: Scalars) -> bool:
    for phase, pattern in (("train", _STEP), ("eval", _EVAL)):
        match = pattern.search(line)
        step = as_step(int(match.group(1))) if match else None
        if match and step is not None:
            row: Row = {key: float(value) for key, value in _pairs(match.group(2))}
            if row:
                scalars.put(phase, step, row, whole=True)
                return True
    return False


def _pairs(text: str) -> list[tuple[str, str]]:
    """Keys and numbers of a dictionary as Python prints it; values that are no number are out."""
    found = []
    for match in _PAIR.finditer(text):
        key, value = match.groups()
        if value.count(".") <= 1:
            found.append((key, value))
    return found


READER = Reader(
    name=FORMAT,
    expects="OpenRLHF's output (*.log, *.out with lines 'Global step N: {…}')",
    rank=5,  # its numbers are rounded for printing
    stored=3,
    gives=(Gives.METRICS,),
    recognises=recognises,
    place_of=of_its_own,
    read=scalar_log(FORMAT, read),
    belongs=_belongs,
    examples=("tests/data/logs/openrlhf/stdout",),
    tells="training and evaluation rows",
    kl="mean of means per token × length: approximate; as a loss term unknown without "
    "`loss_agg_mode`",
)
