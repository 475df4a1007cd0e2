"""The completions that TRL GRPO writes as Parquet, one file a log call, as our samples."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from data.columns import SAMPLE_COLUMNS, LogError
from data.readers.parquet import read_parquet

FORMAT = "trl"
EXPECTS = "TRL completions (completions/completions_00000.parquet)"
_NAME = re.compile(r"completions_(\d+)\.parquet")
NEEDED = ("prompt", "completion")


@dataclass
class Samples:
    """The samples of one run, with what is to be said about them."""

    frame: pl.DataFrame
    rows_by_file: dict[str, int] = field(default_factory=dict)
    broken: list[tuple[str, str]] = field(default_factory=list)  # path, reason
    warnings: list[str] = field(default_factory=list)


def recognises(path: Path) -> bool:
    """Whether a file is, by its name and folder, one of TRL's completions."""
    return path.parent.name == "completions" and _NAME.fullmatch(path.name) is not None


def read(
    paths: Sequence[Path],
    proxy: str | None,
    gold: str | None,
    rewarded: set[int] | None,
    generations: int | None,
) -> Samples:
    """Read the completions of one run.

    Args:
        paths: the run's completion files.
        proxy, gold: reward function columns that become proxy_reward and gold_reward.
        rewarded: steps whose metric row has a reward; None = no metrics were read. A file of
            another step that repeats the file before it holds no new generation and is left out.
        generations: completions per prompt as set; None = as most prompts have. A file that does
            not hold a multiple of it for each prompt mixes evaluation rows in: phase "mixed".

    Returns the samples without run_id; unreadable files are in ``broken`` and leave the rest.
    """
    files: list[tuple[str, int, pl.DataFrame]] = []
    samples = Samples(pl.DataFrame())
    repeats = 0
    before: pl.DataFrame | None = None
    for path in sorted(paths):
        try:
            frame = _one(path)
        except LogError as error:
            samples.broken.append((str(path), str(error)))
            continue
        content = frame.drop("step")
        step = int(frame.item(0, "step"))
        same = before is not None and content.equals(before)
        before = content
        if same and (rewarded is None or step not in rewarded):
            repeats += 1
            continue
        files.append((str(path), step, frame))
    if repeats:
        samples.warnings.append(
            f"{repeats} completions files repeat the generation before them and are not counted "
            "twice"
        )
    usual = generations or _usual(frame for _, _, frame in files)
    mixed: list[int] = []
    parts: list[pl.DataFrame] = []
    for name, step, frame in files:
        counts = frame.get_column("prompt").value_counts().get_column("count")
        is_mixed = usual is not None and bool((counts % usual != 0).any())
        if is_mixed:
            mixed.append(step)
        parts.append(frame.with_columns(phase=pl.lit("mixed" if is_mixed else "train")))
        samples.rows_by_file[name] = frame.height
    if mixed:
        samples.warnings.append(
            f"completions of {len(mixed)} steps mix training and evaluation rows (phase mixed): "
            + ", ".join(map(str, mixed[:12]))
        )
    if parts:
        samples.frame = _shape(pl.concat(parts, how="diagonal_relaxed"), proxy, gold)
    return samples


def _one(path: Path) -> pl.DataFrame:
    """One file with step, prompt, completion (text) and its numeric columns."""
    frame = read_parquet(path)
    for column in NEEDED:
        if column not in frame.columns:
            raise LogError(f"{path.name} has no column {column}, which TRL's completions have")
    if frame.is_empty():
        raise LogError(f"{path.name} has no rows")
    if "step" not in frame.columns:
        match = _NAME.fullmatch(path.name)
        frame = frame.with_columns(step=pl.lit(int(match.group(1)) if match else 0))
    if not frame.schema["step"].is_integer() or frame.get_column("step").null_count():
        raise LogError(f"{path.name} column step is not whole numbers")
    texts = [as_text(frame.get_column(column)) for column in NEEDED]
    numbers = [
        frame.get_column(name).cast(pl.Float64)
        for name, dtype in frame.schema.items()
        if name not in (*NEEDED, "step") and dtype.is_numeric()
    ]
    return pl.DataFrame([frame.get_column("step").cast(pl.Int64), *texts, *numbers])


def as_text(column: pl.Series) -> pl.Series:
    """A column of texts, or of chats (lists of role and content), as plain text."""
    if column.dtype == pl.String:
        return column.fill_null("")
    return pl.Series(column.name, [chat_text(value) for value in column.to_list()], pl.String)


def chat_text(value: object) -> str:
    """A chat as ``role: content`` paragraphs; other values as JSON, and nothing as ""."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list) and all(isinstance(turn, dict) for turn in value):
        turns = [(turn.get("role"), turn.get("content")) for turn in value]
        return "\n\n".join(f"{role}: {_content(content)}" for role, content in turns)
    return json.dumps(value, ensure_ascii=False, default=str)


def _content(content: object) -> str:
    if isinstance(content, list):  # multimodal: only its texts can be shown
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else chat_text(content)


def prompt_ids(prompts: pl.Series) -> pl.Series:
    """A short stable id for each prompt text: the same text has the same id in every run."""
    unique = prompts.unique()
    ids = [hashlib.blake2b(text.encode(), digest_size=8).hexdigest() for text in unique.to_list()]
    return prompts.replace_strict(unique, pl.Series(ids, dtype=pl.String)).alias("prompt_id")


def _usual(frames: Iterable[pl.DataFrame]) -> int | None:
    counts: Counter[int] = Counter()
    for frame in frames:
        counts.update(frame.get_column("prompt").value_counts().get_column("count").to_list())
    return counts.most_common(1)[0][0] if counts else None


def _shape(frame: pl.DataFrame, proxy: str | None, gold: str | None) -> pl.DataFrame:
    names = {proxy: "proxy_reward", gold: "gold_reward"}
    frame = frame.rename({a: b for a, b in names.items() if a in frame.columns and a != b})
    frame = frame.with_columns(prompt_ids(frame.get_column("prompt")))
    frame = frame.with_columns(
        sample_id=pl.int_range(pl.len()).over("phase", "step", "prompt_id").cast(pl.Int64)
    )
    return declared(frame)


def declared(frame: pl.DataFrame) -> pl.DataFrame:
    """SAMPLE_COLUMNS (without run_id) first, missing ones as nulls; further columns after."""
    ours = [
        frame.get_column(name).cast(dtype, strict=False)
        if name in frame.columns
        else pl.Series(name, [None] * frame.height, dtype=dtype)
        for name, dtype in SAMPLE_COLUMNS.items()
        if name != "run_id"
    ]
    further = [column for column in frame.get_columns() if column.name not in SAMPLE_COLUMNS]
    return pl.DataFrame([*ours, *further])
