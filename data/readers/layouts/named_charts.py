"""Charts downloaded one by one, of which the file's name says the metric, and perhaps the run.

TensorBoard's page names them ``run-RUN-tag-TAG.csv``; who saves them again calls them ``kl.csv`` or
``seed-1_kl.csv``. W&B's charts say the metric in their headings, unless their lines were renamed:
then each column is a run, and the file's name is all that says what it shows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from data.columns import LogError
from data.readers.kl import kl_headings
from data.readers.names.mapping import GOLD, KL, PROXY, RUN_COLUMNS, folded

DOWNLOAD = re.compile(
    r"run-(?P<run>.*?)-tag-(?P<tag>.+?)(?: ?\(\d+\))?\.(csv|json)(\.gz)?", re.IGNORECASE
)
STEPS = ("Step", "step", "_step", "global_step", "train/global_step", "trainer/global_step")
EXTREMES = ("__MIN", "__MAX")
NO_LINES = frozenset({
    "run", "runid", "phase", "split", "epoch", "n", "seed", "reward", "score", "loss", "walltime",
    "prompt", "question", "response", "completion", "source", "tag", "key", "metric",
})  # fmt: skip
"""Columns by which a table is no chart of runs."""
TIMES = frozenset({"walltime", "relativetime", "time", "timestamp"})
_COPY = re.compile(r"( ?\(\d+\)|[ _-]copy)$", re.IGNORECASE)
_EXPORTED = re.compile(r"^wandb[ _-]export[ _-]?", re.IGNORECASE)
_DATE = re.compile(r"^[\dT:._+\-Z ]*$")
_FIRST = re.compile(rb"[^\r\n]{1,4096}")
_PREFIXES = (
    "train", "eval", "actor", "critic", "objective", "rollout", "completions", "policy", "val",
    "optim", "response_length", "ppo_actor",
)  # fmt: skip
"""What stands before the first slash of the trainers' tags."""
_MEASURED = ("critic", "response_length", "rewards", "completions")
"""Tags of which the last part says the statistic: ``critic/score/mean``."""


def is_one(path: Path) -> bool:
    """Whether a file is, by its name or its heading of steps and values alone, one chart."""
    if DOWNLOAD.fullmatch(path.name):
        return True
    return path.name.lower().endswith(".csv") and _says_no_metric(path)


def _says_no_metric(path: Path) -> bool:
    """Whether a heading is steps and values, or steps and runs where the name says a metric."""
    try:
        with path.open("rb") as file:
            start = _FIRST.match(file.read(1 << 12).removeprefix(b"\xef\xbb\xbf"))
    except OSError:
        return False
    if start is None:
        return False
    heading = start.group().decode("utf-8", "replace")
    names = [name.strip().strip('"') for name in heading.split(",")]
    folded_names = {folded(name) for name in names}
    if {"step", "value"} <= folded_names <= {"step", "value", *TIMES}:
        return True
    if names[0] not in STEPS or len(names) < 2 or any(_is_metric(name) for name in names[1:]):
        return False
    return _known(_parted(_stem(path))[1])


def _is_metric(name: str) -> bool:
    """Whether a column of a chart says its metric, or is none of a chart's lines."""
    return not name or " - " in name or "/" in name or _known(name) or folded(name) in NO_LINES


def lines_of(columns: Sequence[str], run: str) -> tuple[str | None, list[tuple[str, str]]]:
    """The column of steps, and each column of values with its run."""
    by_folded = {folded(name): name for name in columns}
    if "value" in by_folded:
        return by_folded.get("step"), [(by_folded["value"], run)]
    lines = [c for c in columns[1:] if not c.endswith(EXTREMES) and folded(c) not in TIMES]
    return (columns[0] if columns[0] in STEPS else None), [(c, c) for c in lines]


def named_by(path: Path) -> tuple[str, str]:
    """The run and the tag that a file's name says; the run is empty where it says none.

    Raises:
        LogError: it says no tag.

    >>> named_by(Path("run-a-tag-objective_kl (1).csv")), named_by(Path("seed-1_gold_reward.csv"))
    (('a', 'objective/kl'), ('seed-1', 'gold_reward'))
    """
    found = DOWNLOAD.fullmatch(path.name)
    if found is not None:
        return found["run"], as_logged(found["tag"])
    stem = _stem(path)
    metric = _EXPORTED.sub("", stem)
    if (metric != stem and _DATE.match(metric)) or not re.search(r"[A-Za-z]", metric):
        raise LogError(
            f"{path.name}: neither its heading nor its name says which metric it holds: name the "
            "file after it, as kl.csv or RUN_kl.csv"
        )
    return _parted(metric)


def _stem(path: Path) -> str:
    return _COPY.sub("", path.name.partition(".csv")[0].partition(".json")[0])


def _parted(stem: str) -> tuple[str, str]:
    """Run and tag where a name ends in a word of ours; else all of it is the tag."""
    if _known(stem):
        return "", stem
    for mark in re.finditer(r"[ _.-]+", stem):
        if _known(stem[mark.end() :]):
            return stem[: mark.start()], stem[mark.end() :]
    return "", as_logged(stem)


def _known(name: str) -> bool:
    columns = (PROXY, GOLD, KL, *RUN_COLUMNS)
    known = any(folded(name) == folded(key) for column in columns for key in column.keys)
    return known or kl_headings.stated(name) is not None


def as_logged(tag: str) -> str:
    """A tag as it was before the page made its slashes underscores, where that can be told.

    >>> as_logged("train_kl"), as_logged("critic_score_mean"), as_logged("my_kl")
    ('train/kl', 'critic/score/mean', 'my_kl')
    """
    prefix = next((p for p in _PREFIXES if tag.startswith(f"{p}_") and len(tag) > len(p) + 1), "")
    if not prefix:
        return tag
    key = tag[len(prefix) + 1 :]
    if prefix in _MEASURED:
        key = re.sub(r"_(mean|max|min|std)$", r"/\1", key)
    return f"{prefix}/{key}"
