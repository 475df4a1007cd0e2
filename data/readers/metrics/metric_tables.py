"""Plain tables of metrics, column by column: a million rows cost little more than reading them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import polars as pl

from data.columns import METRIC_COLUMNS, LogError, ReadOptions, RunFacts, RunLog
from data.readers.files import table_files
from data.readers.kl import kl_beside, kl_error, kl_headings, kl_remarks, sanity
from data.readers.kl.kl_stated import STATED_BY, UNKNOWN, stated_by_columns
from data.readers.kl.kl_zero import MOVING, STILL, is_unmeasured
from data.readers.layouts.cells import Cells
from data.readers.layouts.run_columns import column_of, parent_of, step_column
from data.readers.layouts.table_rows import in_order, summaries
from data.readers.meaning import attempts, conversion, gold_versions, plans
from data.readers.meaning.conversion import our_kl
from data.readers.meaning.roles import NO_PROXY, falls_when_better, minus, named_key, of_values
from data.readers.metrics import kl_siblings
from data.readers.metrics.metric_rows import LOGGED, VERSIONS, OfTable, declared, finished, repeated
from data.readers.names import table_doubts
from data.readers.names.mapping import (
    GOLD,
    GOLD_SD,
    PHASE,
    PROXY,
    PROXY_SD,
    RUN_COLUMNS,
    folded,
    gold_kind_of,
)
from data.readers.raw.texts import several
from data.readers.responses import sample_tables
from data.readers.responses.gold_answers import answers_in

FORMAT = "table"
TEXTS = ("gold_source", *VERSIONS)
JUDGED = (gold_versions.NAME, *gold_versions.PARTS)
"""Columns that say who judged gold; they become the one column gold_version."""
ARM = "arm"
"""Column that says which arm of an experiment a run belongs to; kept where it says one thing."""
UNIT_COLUMNS = frozenset({"klunit", "klunits", "unitofkl", "kltype", "klnormalization"})
"""Columns that say the unit of the KL in each row, in anybody's words."""
_ARM = "arm as stated"


def read(cells: Cells, names: pl.Series, verbatim: bool, options: ReadOptions) -> Iterator[RunLog]:
    """A table of metrics as one RunLog for each run in ``names``, in order of first appearance.

    Args:
        cells: the table.
        names: the run of each row.
        verbatim: whether those names stay as they are.
        options: names keys for proxy, gold and KL, and the KL's unit.

    Raises:
        LogError: an option names a column that the table does not have.
    """
    stated, rows = _columns(cells, options)
    if options.whole and stated.step is None:
        raise LogError(f"{cells.table.path.name} has no column step")
    _refuse_unread(cells, stated, rows)
    rows = rows.with_columns(names.alias("run_id"))
    if cells.bad_rows:
        bad = pl.Series(sorted(cells.bad_rows), dtype=pl.Int64)
        rows = rows.filter(~pl.int_range(pl.len()).is_in(bad.implode()))
    if rows.is_empty():
        return
    watched = (LOGGED, "proxy_reward")
    renumbered: dict[str, str] = {}
    restarted: dict[str, list[str]] = {}
    lost: dict[str, int] = {}
    if stated.step is not None:
        rows, renumbered = attempts.numbered(rows, (*watched, "gold_reward"))
        rows, restarted, lost = attempts.settled(rows, watched)
    rows, reads, replaced, differing = in_order(rows, stated.step is not None, LOGGED)
    rows = finished(rows, stated)
    summary = rows.group_by("run_id", maintain_order=True).agg(
        pl.len().alias("rows"), *summaries(LOGGED, _ARM)
    )
    with_logged = declared(rows, stated)
    as_logged = with_logged.drop(LOGGED)  # where the KL stands as it was logged, once is enough
    start = 0
    for summary_row in summary.iter_rows(named=True):
        height, run = summary_row["rows"], summary_row["run_id"]
        summary_row |= {
            "read": reads[run] + lost.get(run, 0),
            "replaced": replaced.get(run, 0) + lost.get(run, 0),
        }
        summary_row["notes"] = [
            *cells.notes_of(names, run), *restarted.get(run, []),
            *([renumbered[run]] if run in renumbered else []),
            *([table_doubts.repeating(n, reads[run], cells.table.path.name)]
              if (n := differing.get(run)) else []),
        ]  # fmt: skip
        raw, plain, full = (f.slice(start, height) for f in (rows, as_logged, with_logged))
        yield _log(
            raw,
            as_logged=plain,
            with_logged=full,
            summary=summary_row,
            stated=stated,
            cells=cells,
            verbatim=verbatim,
            options=options,
        )
        start += height


def _columns(cells: Cells, options: ReadOptions) -> tuple[OfTable, pl.DataFrame]:
    """The table's columns under our names; further numbers and texts under their own."""
    keys, height = cells.table.frame.columns, cells.table.frame.height
    proxy = named_key(options.proxy, keys, {}, "--proxy") if options.proxy else PROXY.find(keys)
    given = options.gold or options.lower_is_better
    gold = named_key(given, keys, {}, "--gold") if given else GOLD.find(keys)
    for asked, found, option in (
        (options.proxy, proxy, "--proxy"), (given, gold, "--gold"),
        (options.kl, our_kl(keys), "--kl"),
    ):  # fmt: skip
        if not asked and found in keys:
            table_doubts.one_heading(cells.table.frame, found, option, cells.table.path.name)
    notes = []
    if gold and not given and (answers := answers_in(cells, gold)):
        notes.append(answers)
        gold = None
        if proxy is None and our_kl(keys) not in keys and not options.kl:
            raise LogError(
                f"{cells.table.path.name}: {notes[0]}; a table of graded answers has columns "
                "question_id and grade"
            )
    if options.kl:
        named_key(options.kl, keys, {}, "--kl")
    chosen = {
        "proxy_reward": proxy,
        "gold_reward": gold,
        "proxy_reward_sd": PROXY_SD.find(keys),
        "gold_reward_sd": GOLD_SD.find(keys),
        **{column.name: column.find(keys) for column in RUN_COLUMNS},
    }
    if options.length:
        chosen["response_length"] = named_key(options.length, keys, {}, "--length")
    elif (length := chosen["response_length"]) and (
        lengths := kl_remarks.other_length(options.remarks, length, keys)
    ):
        chosen["response_length"] = None
        notes.append(
            f"{length} is no length in tokens ({lengths!r}), and is left out: --length names one"
        )
    step, phase = step_column(keys, options), PHASE.find(keys)
    numbers = cache(cells.numbers)
    series = [
        cells.steps(step).alias("step") if step else repeated("step", 0, height),
        cells.phases(phase).alias("phase") if phase else repeated("phase", "train", height),
        *(numbers(key).alias(name) for name, key in chosen.items() if key),
    ]
    if gold and not chosen["gold_reward_se"] and gold in cells.errors:
        series.append(cells.errors[gold].alias("gold_reward_se"))
        cells.errors_used.add(gold)
    if gold and options.lower_is_better and options.lower_is_better in (gold, given):
        series = [-one if one.name == "gold_reward" else one for one in series]
        notes.append(minus(gold))
    elif gold and (doubt := falls_when_better(gold)):
        notes.append(doubt)
    if step and folded(step) == "n" and not options.step:
        notes.append(table_doubts.N_IS_THE_STEP.format(step))
    facts = RunFacts(proxy_key=proxy, gold_key=gold, length_key=chosen["response_length"] or None)
    facts.gold_better = "lower" if minus(gold) in notes else "higher"
    beside, told_apart = kl_siblings.compared(cells, options)
    options = replace(options, remarks=(*options.remarks, *told_apart))
    source = conversion.of_table(
        [key for key in keys if key not in beside], options, facts,
        middle_of=lambda key: kl_beside.middle(numbers(key)) if _counts(cells, key) else None,
    )  # fmt: skip
    notes += [f"column {key} is not read: {told_apart[0]}" for key in beside]
    if source:
        by_column = {key: set(cells.texts(key).drop_nulls().unique()) - {""}
                for key in STATED_BY if key in keys}  # fmt: skip
        for key in (key for key in keys if folded(key) in UNIT_COLUMNS and not options.kl_unit):
            words = set(cells.texts(key).drop_nulls().str.strip_chars().unique()) - {""}
            units = {kl_headings.stated(f"kl {text}") for text in words}
            unit = next(iter(units)) if len(units) == 1 else None
            by_column["kl_logged_unit"] = {unit.unit if unit and unit.unit else UNKNOWN}
        if not stated_by_columns(by_column, options, source, facts):
            source = None
    if source:
        series.append(numbers(source.key).alias(LOGGED))
    run = column_of(keys)  # --run-column has left the table
    known = (*chosen.values(), step, phase, run, facts.kl_key, GOLD.find(keys) if notes else None)
    taken = {key for key in known if key}
    # A further column under one of our names but of another meaning would pass for ours.
    own = taken | set(METRIC_COLUMNS) | {LOGGED, *TEXTS, *gold_versions.columns_of(keys)}
    further = [key for key in cells.further(own) if key.strip()]  # without a name: no column
    texts = [key for key in TEXTS if key in keys]  # a version may be a number: a name all the same
    series += [cells.numbers(key) for key in further]
    series += [cells.texts(key) for key in (*texts, *gold_versions.columns_of(keys))]
    series.append(cells.texts(ARM).alias(_ARM) if ARM in keys else repeated(_ARM, "", height))
    return OfTable(step, source, facts, further, texts, notes), pl.DataFrame(series)


def _counts(cells: Cells, key: str) -> bool:
    """Whether a column holds numbers: words are not to be named as cells that could not be read."""
    return key in cells.further(set(cells.table.frame.columns) - {key})


def _refuse_unread(cells: Cells, stated: OfTable, rows: pl.DataFrame) -> None:
    """Refuse a table of which no number could be read but its steps.

    Raises:
        LogError: names what was found instead.
    """
    read = [c for c in rows.columns if c not in ("step", "phase", _ARM, *TEXTS, *JUDGED)]
    if any(rows.get_column(c).cast(pl.Float64, strict=False).is_finite().any() for c in read):
        return
    name, problems = cells.table.path.name, cells.all_problems()
    found = several(problems) if problems else "its cells are empty or nan"
    raise LogError(f"{name}: no number could be read in columns {', '.join(read)}: {found}")


def _log(
    raw: pl.DataFrame, as_logged: pl.DataFrame, with_logged: pl.DataFrame, summary: dict[str, Any],
    stated: OfTable, cells: Cells, verbatim: bool, options: ReadOptions,
) -> RunLog:  # fmt: skip
    """One run: its rows, and what its facts and warnings say of them."""
    table, name = cells.table, summary["run_id"]
    facts = replace(stated.facts, gold_candidates=[], checkpoints=[], config={})
    facts.sources = [
        {
            "path": str(table.path),
            "format": table_files.kind_of(table.path),
            "rows": summary["read"],
        }
    ]
    if len(arms := [arm for arm in summary["arms"] if arm]) == 1:
        facts.config = {"arm": arms[0]}
    if facts.kl_estimator == "bon_bound":
        facts.algorithm = "best_of_n"
    facts.steps_replaced, facts.nan_rows = summary["replaced"], summary["nan_rows"]
    warnings = [*summary["notes"], *stated.notes]
    if stated.step is None:
        warnings.append(
            f"{table.path.name} has no step column: its rows, as they stand in the file, are "
            "numbered from 0 instead"
        )
    converted = summary["converted"]
    if stated.source is None:
        warnings.append(facts.kl_note)
        converted = False
    elif not summary["has_kl"]:
        facts.kl_conversion = "missing"
        facts.kl_note = f"KL is missing: column {facts.kl_key} holds no number that could be read"
        warnings.append(facts.kl_note)
    else:
        unmeasured = ""
        warnings += filter(None, [table_doubts.gaps(raw, LOGGED, stated.source.key)])
        if not summary["moved"]:
            watched = {key: raw.get_column(key).to_list() for key in (*STILL, *MOVING)
                       if key in raw.columns}  # fmt: skip
            logged = raw.get_column(LOGGED).to_list()
            unmeasured = is_unmeasured(logged, watched, no_reference=False)
        if unmeasured:
            facts.kl_conversion, facts.kl_note, converted = "missing", unmeasured, True
            with_logged = with_logged.with_columns(pl.lit(None, pl.Float64).alias("kl"))
            warnings.append(unmeasured)
        elif stated.source.per_token and not summary["has_length"]:
            warnings.append(conversion.no_length(facts))
        elif facts.kl_conversion == "unknown":
            warnings.append(f"KL: {facts.kl_note}")
    if facts.gold_key is None:
        warnings.append("the table has no gold reward: name its column with --gold if it has")
        facts.gold_kind = options.gold_kind or "score"
    else:
        facts.gold_kind = options.gold_kind or gold_kind_of(
            facts.gold_key, summary["low"], summary["high"]
        )
    if facts.proxy_key is None and (facts.kl_key or facts.gold_key is None):
        warnings.append(f"{NO_PROXY}: name its column with --proxy if it has")
    metrics = with_logged if converted else as_logged
    warnings += of_values(metrics["proxy_reward"], metrics["gold_reward"])
    trained = metrics.filter(pl.col("phase") == "train")
    warnings += sanity.doubts(
        trained["kl"], trained["response_length"], trained["proxy_reward"],
        unit_known=facts.kl_conversion not in ("unknown", "missing"),
    )  # fmt: skip
    facts.kl_note = kl_error.with_error(metrics, facts)
    facts.max_steps, doubt = plans.planned_steps(metrics)
    warnings += filter(None, [doubt])
    return RunLog(
        run=name,
        parent=parent_of(table.path, name),
        verbatim=verbatim,
        format=FORMAT,
        path=str(table.path),
        metrics=metrics,
        samples=sample_tables.no_samples(),
        facts=facts,
        warnings=warnings,
    )
