"""Plain tables of single responses (samples), as our sample columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import polars as pl

from data.columns import METRIC_COLUMNS, SAMPLE_COLUMNS, ReadOptions, RunFacts, RunLog
from data.readers.cells import Cells, split_by
from data.readers.completions import declared, prompt_ids
from data.readers.gold_answers import answers_note, holds_answers
from data.readers.mapping import (
    GOLD,
    PHASE,
    PROXY,
    RUN_ID,
    SAMPLE_NUMBERS,
    SAMPLE_TEXTS,
    STEP,
    Column,
)
from data.readers.roles import named_key
from data.readers.sample_kl import measured

COMPLETION = next(column for column in SAMPLE_TEXTS if column.name == "completion")

POOL = 4
"""A table of one step with so many samples to a prompt is a pool for best-of-n."""


def holds_samples(columns: Collection[str]) -> bool:
    """Whether a table's columns are those of single responses."""
    return bool(COMPLETION.find(columns)) and bool({"prompt", "prompt_id"} & set(columns))


_NO_SAMPLES = pl.DataFrame(schema=SAMPLE_COLUMNS)  # made once: a folder may hold 1,000 tables


def no_samples() -> pl.DataFrame:
    """An empty samples frame."""
    return _NO_SAMPLES.clone()


def no_metrics() -> pl.DataFrame:
    """An empty metrics frame."""
    return pl.DataFrame(schema=METRIC_COLUMNS)


def read(cells: Cells, names: list[str], verbatim: bool, options: ReadOptions) -> Iterator[RunLog]:
    """A table of samples as one RunLog, without metrics, for each run in ``names``.

    Raises:
        LogError: an option names a column that the table does not have.
    """
    frame = cells.table.frame
    keys = frame.columns
    proxy = named_key(options.proxy, keys, {}, "--proxy") if options.proxy else PROXY.find(keys)
    gold = named_key(options.gold, keys, {}, "--gold") if options.gold else GOLD.find(keys)
    notes = []
    if gold and not options.gold and holds_answers(cells, gold):
        notes.append(answers_note(gold))
        gold = None
    step_key, phase_key = STEP.find(keys), PHASE.find(keys)
    steps = cells.steps(step_key) if step_key else [0] * frame.height
    phases = cells.phases(phase_key) if phase_key else ["train"] * frame.height
    series = [pl.Series("step", steps, pl.Int64), pl.Series("phase", phases, pl.String)]
    taken = {key for key in (step_key, phase_key, RUN_ID.find(keys)) if key}
    for column in SAMPLE_TEXTS:
        key = column.find(keys)
        if key:
            taken.add(key)
            series.append(cells.texts(key).fill_null("").alias(column.name))
    numbers = (Column("proxy_reward", _keys(proxy)), Column("gold_reward", _keys(gold)))
    for column in (*SAMPLE_NUMBERS, *numbers):
        key = column.find(keys)
        if key is None or (column.name == "sample_id" and not _whole(frame.get_column(key))):
            continue  # a text_id that is text numbers no samples; they are numbered below
        taken.add(key)
        series.append(cells.numbers(key).alias(column.name))
    for key in cells.further(taken | set(SAMPLE_COLUMNS)):
        series.append(cells.numbers(key).fill_nan(None))
    samples = pl.DataFrame(series).with_columns(
        pl.when(pl.col(c).is_finite()).then(pl.col(c))
        for c in ("proxy_reward", "gold_reward", "logprob_policy", "logprob_reference")
        if c in {s.name for s in series}
    )
    if "prompt" not in samples.columns:
        samples = samples.with_columns(prompt=pl.lit(None, pl.String))
    elif "prompt_id" not in samples.columns:
        samples = samples.with_columns(prompt_ids(samples.get_column("prompt")))
    for name, rows in split_by(names).items():
        good = [row for row in rows if row not in cells.bad_rows]
        if not good:
            continue
        warnings = [*cells.notes(rows), *notes]
        if step_key is None:
            warnings.append(f"{cells.table.path.name} has no step column: all samples are step 0")
        part = _keyed(samples[good], warnings)
        run = pl.Series("run_id", [name] * part.height, dtype=pl.String)
        facts = RunFacts(proxy_key=proxy, gold_key=gold)
        facts.sources = [{"path": str(cells.table.path), "format": "samples", "rows": part.height}]
        if _is_pool(part):
            facts.algorithm = "best_of_n"
        metrics = measured(no_metrics().drop("run_id"), part, facts, warnings)
        run_of_metrics = pl.Series("run_id", [name] * metrics.height, dtype=pl.String)
        yield RunLog(
            run=name,
            parent=cells.table.path.parent.name,
            verbatim=verbatim,
            format="samples",
            path=str(cells.table.path),
            metrics=pl.DataFrame([run_of_metrics, *metrics.get_columns()]),
            samples=pl.DataFrame([run, *part.get_columns()]),
            facts=facts,
            warnings=warnings,
        )


def _keys(key: str | None) -> tuple[str, ...]:
    return (key,) if key else ()


def _whole(column: pl.Series) -> bool:
    if column.dtype.is_integer():
        return column.null_count() == 0
    numbers = column.cast(pl.String).cast(pl.Int64, strict=False)
    return numbers.null_count() == 0


def _is_pool(samples: pl.DataFrame) -> bool:
    """Whether samples are many to a prompt and all of one policy, as best-of-n needs them."""
    if samples.get_column("step").n_unique() > 1 or "prompt_id" not in samples.columns:
        return False
    each = samples.group_by("prompt_id").len().get_column("len").median()
    return isinstance(each, float) and each >= POOL


def _keyed(samples: pl.DataFrame, warnings: list[str]) -> pl.DataFrame:
    """Samples with a sample_id, and each key (phase, step, prompt_id, sample_id) once."""
    group = ["phase", "step", "prompt_id"]
    if "sample_id" not in samples.columns:
        samples = samples.with_columns(sample_id=pl.int_range(pl.len()).over(group))
    samples = declared(samples)
    once = samples.unique([*group, "sample_id"], keep="last", maintain_order=True)
    if once.height < samples.height:
        warnings.append(
            f"{samples.height - once.height} samples repeat a (step, prompt_id, sample_id); the "
            "last of each is kept"
        )
    return once
