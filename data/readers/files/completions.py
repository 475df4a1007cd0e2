"""The completions that TRL GRPO writes as Parquet, one file a log call, as our samples."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from data.columns import SAMPLE_COLUMNS, LogError
from data.readers.files.parquet import read_parquet
from data.readers.raw.reader import Asked, Frame, Gives, Reader, Samples, dumps, shown

FORMAT = "trl"
_NAME = re.compile(r"completions_(\d{1,18})\.parquet")
NEEDED = ("prompt", "completion")


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
    samples = Samples(pl.DataFrame())
    files: list[Frame] = []
    for path in sorted(paths):
        try:
            files.append((str(path), _one(path)))
        except LogError as error:
            samples.broken.append((str(path), str(error)))
    _collect(files, samples, proxy, gold, rewarded, generations)
    return samples


def read_tables(
    tables: Iterable[Frame],
    proxy: str | None,
    gold: str | None,
    rewarded: set[int] | None,
    generations: int | None,
) -> Samples:
    """Read the completions of one run that a tracker kept as tables, in the order logged.

    A step that was logged again (a resume) keeps its last table. An evaluation at a step logs
    training and evaluation rows in one more table, which does not take the place of the first.
    """
    samples = Samples(pl.DataFrame())
    by_step: dict[int, list[Frame]] = {}
    for name, table in tables:
        try:
            file = (name, _checked(table, name, None))
        except LogError as error:
            samples.broken.append((name, str(error)))
            continue
        by_step.setdefault(_step(file), []).append(file)
    usual = generations or _usual(frame for files in by_step.values() for _, frame in files)
    files = []
    for step in sorted(by_step):
        pure = [file for file in by_step[step] if not _is_mixed(file[1], usual)]
        files.append((pure or by_step[step])[-1])
    _collect(files, samples, proxy, gold, rewarded, usual)
    return samples


def _collect(
    files: list[Frame],
    samples: Samples,
    proxy: str | None,
    gold: str | None,
    rewarded: set[int] | None,
    generations: int | None,
) -> None:
    """Files in the order of their steps as samples; repeated generations are left out."""
    kept: list[Frame] = []
    repeats = 0
    before: pl.DataFrame | None = None
    for file in files:
        content = file[1].drop("step")
        same = before is not None and content.equals(before)
        before = content
        if same and (rewarded is None or _step(file) not in rewarded):
            repeats += 1
            continue
        kept.append(file)
    if repeats:
        samples.warnings.append(
            f"{repeats} completions files repeat the generation before them and are not counted "
            "twice"
        )
    usual = generations or _usual(frame for _, frame in kept)
    mixed: list[int] = []
    parts: list[pl.DataFrame] = []
    for file in kept:
        name, frame = file
        is_mixed = _is_mixed(frame, usual)
        if is_mixed:
            mixed.append(_step(file))
        parts.append(frame.with_columns(phase=pl.lit("mixed" if is_mixed else "train")))
        samples.rows_by_file[name] = frame.height
    if mixed:
        samples.warnings.append(
            f"completions of {len(mixed)} steps mix training and evaluation rows (phase mixed): "
            + ", ".join(map(str, mixed[:12]))
        )
    if parts:
        samples.frame = shape(pl.concat(parts, how="diagonal_relaxed"), proxy, gold)


def _is_mixed(frame: pl.DataFrame, usual: int | None) -> bool:
    counts = frame.get_column("prompt").value_counts().get_column("count")
    return usual is not None and bool((counts % usual != 0).any())


def _step(file: Frame) -> int:
    return int(file[1].item(0, "step"))


def _one(path: Path) -> pl.DataFrame:
    match = _NAME.fullmatch(path.name)
    return _checked(read_parquet(path), path.name, int(match.group(1)) if match else 0)


def _checked(frame: pl.DataFrame, name: str, step: int | None) -> pl.DataFrame:
    """One file with step, prompt, completion (text) and its numeric columns."""
    for column in NEEDED:
        if column not in frame.columns:
            raise LogError(f"{name} has no column {column}, which TRL's completions have")
    if frame.is_empty():
        raise LogError(f"{name} has no rows")
    if "step" not in frame.columns and step is not None:
        frame = frame.with_columns(step=pl.lit(step))
    steps = frame.get_column("step") if "step" in frame.columns else None
    if steps is None or not steps.dtype.is_integer() or steps.null_count():
        raise LogError(f"{name} column step is not whole numbers")
    texts = [as_text(frame.get_column(column)) for column in NEEDED]
    numbers = [
        frame.get_column(name).cast(pl.Float64)
        for name, dtype in frame.schema.items()
        if name not in (*NEEDED, "step") and dtype.is_numeric()
    ]
    return pl.DataFrame([steps.cast(pl.Int64), *texts, *numbers])


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


def shape(frame: pl.DataFrame, proxy: str | None, gold: str | None) -> pl.DataFrame:
    """Rows with step, phase, prompt and completion as samples, with their keys."""
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


def _of_run(paths: Sequence[Path], asked: Asked) -> Samples:
    """The completions of one run, with their folders as sources."""
    samples = read(paths, asked.proxy, asked.gold, asked.rewarded, asked.generations)
    for folder in sorted({path.parent for path in paths}):
        rows = sum(n for p, n in samples.rows_by_file.items() if Path(p).parent == folder)
        samples.sources.append({"path": shown(folder), "format": "completions", "rows": rows})
    return samples


READER = Reader(
    name="completions",
    of=FORMAT,
    expects="TRL completions (completions/completions_00000.parquet)",
    rank=1,  # event files beside them are TRL's
    gives=(Gives.RESPONSES,),
    recognises=recognises,
    read=dumps("completions", _of_run),
    inside=("completions",),
    once=True,
    examples=("data/examples/r2_grpo_highkl/completions",),
    tells="prompts, responses and their rewards",
    kl="",
)
