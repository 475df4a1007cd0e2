"""Plain tables of single responses (samples), as our sample columns."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from data.columns import (
    METRIC_COLUMNS,
    SAMPLE_COLUMNS,
    LogError,
    ReadOptions,
    RunFacts,
    RunLog,
)
from data.declared import EMBEDDINGS
from data.readers.files.completions import prompt_ids
from data.readers.kl.sample_kl import doubted, measured, summed
from data.readers.layouts.cells import Cells, split_by
from data.readers.meaning.conversion import our_kl
from data.readers.meaning.roles import named_key
from data.readers.names.mapping import (
    GOLD,
    PHASE,
    PROXY,
    RUN_ID,
    SAMPLE_NUMBERS,
    SAMPLE_TEXTS,
    STEP,
    Column,
)
from data.readers.names.response_columns import are_responses, names_responses, texts_of
from data.readers.raw.texts import several
from data.readers.responses import embeddings, loop_columns
from data.readers.responses.gold_answers import answers_in
from data.readers.responses.loop_columns import KEPT
from data.readers.responses.response_means import keyed, with_golds, with_proxy
from data.readers.responses.scored_responses import ANCHOR_PHASES, columns_of, parted

READ_APART = {column.name for column in (*SAMPLE_TEXTS, *SAMPLE_NUMBERS)} | {
    "run_id", "phase", "step", "proxy_reward", "gold_reward",
}  # fmt: skip
"""Columns of samples that are read each in its own way; any other number is read by its name."""

POOL = 4
"""A table of one step with so many samples to a prompt is a pool for best-of-n."""


def holds_samples(frame: pl.DataFrame, options: ReadOptions) -> bool:
    """Whether a table holds single responses, with their texts or with their rewards alone."""
    keys = frame.columns
    given = {options.proxy, options.gold} & set(keys)
    rewarded = bool(given) or any(c.find(keys) for c in (GOLD, PROXY))
    return names_responses(keys) or are_responses(frame, rewarded)


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
    remarks: list[str] = []
    of_loop = options.loop is not None or loop_columns.named(frame.columns)
    if of_loop:
        frame, remarks = loop_columns.with_kept(frame)
        cells.table.frame = frame
    keys = frame.columns
    proxy = named_key(options.proxy, keys, {}, "--proxy") if options.proxy else PROXY.find(keys)
    gold = named_key(options.gold, keys, {}, "--gold") if options.gold else GOLD.find(keys)
    notes = []
    if gold and not options.gold and (answers := answers_in(cells, gold)):
        notes.append(answers)
        gold = None
    step_key, phase_key = STEP.find(keys), PHASE.find(keys)
    steps = cells.steps(step_key) if step_key else [0] * frame.height
    phases = cells.phases(phase_key, ANCHOR_PHASES) if phase_key else ["train"] * frame.height
    series = [pl.Series("step", steps, pl.Int64), pl.Series("phase", phases, pl.String)]
    taken = {key for key in (step_key, phase_key, RUN_ID.find(keys)) if key}
    marks, marked = columns_of(cells)
    series, taken = [*series, *marks], taken | marked
    for name, text in texts_of(frame).items():
        taken.add(text)
        series.append(cells.texts(text).fill_null("").alias(name))
    numbers = (Column("proxy_reward", _keys(proxy)), Column("gold_reward", _keys(gold)))
    for column in (*SAMPLE_NUMBERS, *numbers):
        key = column.find(keys)
        if key is None or (column.name == "sample_id" and not _whole(frame.get_column(key))):
            continue  # a text_id that is text numbers no samples; they are numbered below
        taken.add(key)
        series.append(cells.numbers(key).alias(column.name))
    kl = our_kl(keys)
    if kl in keys:
        notes.append(
            f"column {kl} is kept as a number of each response: no curve of KL is made of it"
        )
    further = cells.further(taken | READ_APART)
    for key in further:
        series.append(cells.numbers(key).fill_nan(None))
    if KEPT in keys and KEPT not in {one.name for one in series}:  # a text of words, as in JSON
        series.append(cells.truths(KEPT).cast(pl.Float64).alias(KEPT))
    if of_loop:
        there = [one.name for one in series if step_key or one.name != "step"]
        words = loop_columns.lacking("generations", there)
        read_too = {KEPT, str(embeddings.EMBEDDING.find(keys)), str(embeddings.MODEL.find(keys))}
        remarks += loop_columns.unread(keys, {*taken, *READ_APART, *read_too}, words, further)
    notes += [f"{cells.table.path.name}: {note}" for note in remarks]
    samples = pl.DataFrame(series).with_columns(
        pl.when(pl.col(c).is_finite()).then(pl.col(c))
        for c in ("proxy_reward", "gold_reward", "logprob_policy", "logprob_reference")
        if c in {s.name for s in series}
    )
    if "prompt" not in samples.columns:
        samples = samples.with_columns(prompt=pl.lit(None, pl.String))
        if "prompt_id" not in samples.columns:
            samples = samples.with_columns(prompt_id=pl.lit(None, pl.String))
    elif "prompt_id" not in samples.columns:
        samples = samples.with_columns(prompt_ids(samples.get_column("prompt")))
    for name, rows in split_by(names).items():
        good = [row for row in rows if row not in cells.bad_rows]
        if not good:
            continue
        warnings = [*cells.notes(rows), *notes]
        if step_key is None:
            warnings.append(f"{cells.table.path.name} has no step column: all responses are step 0")
        tables = {}
        if of_loop:
            vectors, left_out = embeddings.kept(_rows(frame, good), _rows(samples, good))
            warnings += [f"{cells.table.path.name}: {note}" for note in left_out]
            if vectors is not None:
                tables[EMBEDDINGS.name] = vectors
        own, means = summed(_rows(samples, good), options)
        scored = parted(own, options.sealed)
        warnings += scored.notes
        part = keyed(scored.responses, warnings)
        every = [part, *(one for one in (scored.labels, scored.anchors) if one.height)]
        rows_in_all = sum(one.height for one in every)
        facts = RunFacts(proxy_key=proxy, gold_key=gold)
        facts.sources = [{"path": str(cells.table.path), "format": "samples", "rows": rows_in_all}]
        if _is_pool(part):
            facts.algorithm = "best_of_n"
        metrics = measured(no_metrics().drop("run_id"), part, facts, warnings)
        doubted(means, facts, warnings)
        if step_key is not None and facts.algorithm is None:
            if not of_loop:
                metrics = with_proxy(metrics, part)
            metrics = with_golds(metrics, part, scored, facts)
        run_of_metrics = pl.Series("run_id", [name] * metrics.height, dtype=pl.String)
        yield RunLog(
            run=name,
            parent=cells.table.path.parent.name,
            verbatim=verbatim,
            format="samples",
            path=str(cells.table.path),
            metrics=pl.DataFrame([run_of_metrics, *metrics.get_columns()]),
            samples=pl.concat(every, how="diagonal_relaxed").select(
                pl.lit(name, pl.String).alias("run_id"), pl.all()
            ),
            facts=facts,
            warnings=warnings,
            tables=tables,
        )
    if frame.height and len(cells.bad_rows) == frame.height:
        raise LogError(
            f"no row of {cells.table.path.name} could be read: {several(cells.all_problems())}"
        )


def _rows(frame: pl.DataFrame, good: list[int]) -> pl.DataFrame:
    """Some rows; all of them without a copy."""
    return frame if len(good) == frame.height else frame[good]


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
