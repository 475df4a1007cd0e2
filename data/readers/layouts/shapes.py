"""Tables in the shapes in which trackers export them, as one row a step and one column a metric.

Long tables (run, metric, step, value: MLflow, Neptune, Comet, ClearML), charts of W&B's page
(``Step``, ``NAME - metric``) and downloads of TensorBoard's page (a file a metric).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

import polars as pl

from data.columns import LogError
from data.readers.files.table_files import Table
from data.readers.layouts import named_charts, table_remarks
from data.readers.layouts.turned_tables import lies_on_its_side, turned
from data.readers.meaning import long_attempts
from data.readers.names.mapping import GOLD, KL, PROXY, Column, folded
from data.readers.names.response_columns import names_responses
from data.readers.names.run_telling import NO_RUN, WITHIN_A_RUN

RUN, STEP, TAG, VALUE = "run_id", "step", "tag", "value"
LONG_TAG = Column("tag", keys=(
    "tag", "key", "metric", "metric_name", "metricName", "attribute_path", "scalar", "variable",
    "series", "name",
))  # fmt: skip
LONG_VALUE = Column("value", keys=(
    "value", "metric_value", "metricValue", "float_value", "val", "scalar_value",
))  # fmt: skip
LONG_STEP = Column("step", keys=("step", "global_step", "iteration", "training_step"))
LONG_RUN = Column("run", keys=(
    "run_id", "run", "run_name", "custom_run_id", "sys/name", "experiment", "experiment_key",
    "run_uuid", "name",
))  # fmt: skip
TIME = Column("time", keys=("timestamp", "wall_time", "time"))
MOST_METRICS = 4000
PHASE_WORDS = {"train": "train", "training": "train", "eval": "eval", "evaluation": "eval",
               "val": "eval", "validation": "eval", "valid": "eval", "test": "eval"}  # fmt: skip
MEANS = ("mean", "avg", "average")
STATISTICS = frozenset({*MEANS, "std", "sd", "se", "sem", "stderr", "min", "max", "median", "n"})
MOST_ARMS = 100
"""Values of a column that may still be arms or seeds, one run each."""
DEEPEST = 6
"""Objects within objects that are looked into."""

CHART = re.compile(r"(?P<run>.+) - (?P<key>[^ ].*)")
EXTREMES = ("__MIN", "__MAX")
STEPS = ("Step", "_step", "train/global_step", "global_step", "trainer/global_step", "step")
_FIRST = re.compile(rb"[^\r\n]{1,65536}")


def starts_as_chart(path: Path) -> bool:
    """Whether a CSV file's heading is that of a chart of W&B's page."""
    try:
        with path.open("rb") as file:
            start = _FIRST.search(file.read(1 << 16).removeprefix(b"\xef\xbb\xbf"))
    except OSError:
        return False
    if start is None or b" - " not in start.group():
        return False
    heading = start.group().decode("utf-8", "replace")
    return is_chart([name.strip('"') for name in heading.split(",")])


def is_chart(columns: Sequence[str]) -> bool:
    """Whether all columns but the first are ``run - metric``."""
    return (
        len(columns) > 1
        and columns[0] in (*STEPS, "Relative Time (Process)", "Relative Time (Wall)", "Wall Time")
        and all(CHART.fullmatch(name) for name in columns[1:])
    )


def is_long(columns: Collection[str]) -> bool:
    """Whether a table holds a metric's name and value in each row."""
    named = LONG_TAG.find(columns), LONG_VALUE.find(columns), LONG_STEP.find(columns)
    return all(named) and not any(c.find(columns) for c in (KL, PROXY, GOLD))


def plain(table: Table) -> Table:
    """The table as one row a step, in whichever shape it is.

    Raises:
        LogError: a shape that cannot hold a run (no steps, too many metrics).
    """
    columns = table.frame.columns
    if lies_on_its_side(table.frame):
        return turned(table)
    if is_long(columns):
        return of_long(table)
    if is_chart(columns):
        return of_charts([table])
    if {"Name", "State"} <= set(columns) and "Name" in columns:
        return of_runs(table)
    return _unnested(table)


def _unnested(table: Table) -> Table:
    """Metrics that stand in one column of objects (Parquet) as columns."""
    frame = table.frame
    nested = _of_numbers(frame)
    if not nested or names_responses(frame.columns):
        return table
    ours = any(c.find(frame.columns) for c in (KL, PROXY, GOLD))
    for level in range(ours, DEEPEST):
        for column in nested:
            parts = frame.get_column(column).struct.unnest()
            if level:  # names of ours are known by their last parts
                parts = parts.rename({name: f"{column}/{name}" for name in parts.columns})
            if not set(parts.columns) & set(frame.columns):
                frame = pl.concat([frame.drop(column), parts], how="horizontal")
        nested = _of_numbers(frame)
    table.frame = frame
    return table


def _of_numbers(frame: pl.DataFrame) -> list[str]:
    """The columns of objects that hold numbers."""

    def holds(kind: pl.DataType) -> bool:
        if isinstance(kind, pl.Struct):
            return any(holds(field.dtype) for field in kind.fields)  # type: ignore[arg-type]
        return kind.is_numeric()

    return [c for c, kind in frame.schema.items() if isinstance(kind, pl.Struct) and holds(kind)]


def of_runs(table: Table) -> Table:
    """W&B's table of runs, one a row: its settings; the last value of a metric is no log."""
    frame = table.frame
    if frame.get_column("Name").n_unique() < frame.height or "Step" in frame.columns:
        return table
    gone = [c for c in frame.columns if re.match(r"(train|eval|actor|critic|rollout)/", c)]
    gone += [c for column in (KL, PROXY, GOLD) if (c := column.find(frame.columns))]
    table.frame = frame.drop(*dict.fromkeys(gone)).rename({"Name": RUN})
    table.notes.append(
        f"{table.path.name} is a table of runs, one a row: read as settings; the last values of "
        "metrics in it are no curve"
    )
    return table


def of_long(table: Table) -> Table:
    """A long table as a wide one; a step that a metric has twice keeps the later value."""
    frame = table.frame
    tag, value, step = (c.find(frame.columns) for c in (LONG_TAG, LONG_VALUE, LONG_STEP))
    run = LONG_RUN.find([column for column in frame.columns if column != tag])
    assert tag and value and step
    table.remarks += table_remarks.of_metrics(frame, tag)
    table.frame = frame = _in_tags(frame, tag)
    arm = _arm(table, [name for name in (run, tag, step) if name])
    if arm and run:
        frame = frame.with_columns(pl.concat_str(run, pl.lit("-"), arm).alias(run))
    run = run or arm
    steps = frame.get_column(step).cast(pl.Float64, strict=False).cast(pl.Int64, strict=False)
    rows = pl.DataFrame([
        _text(frame.get_column(run)).alias(RUN) if run else pl.Series(RUN, [""] * frame.height),
        steps.alias(STEP), _tags(_text(frame.get_column(tag))),
        frame.get_column(value).cast(pl.String).alias(VALUE),
        _lines(table),
    ]).filter(pl.col(STEP).is_not_null() & pl.col(VALUE).is_not_null())  # fmt: skip
    if rows.get_column(TAG).n_unique() > MOST_METRICS:
        raise LogError(f"{table.path.name} names more than {MOST_METRICS} metrics")
    if rows.is_empty():
        raise LogError(f"{table.path.name} has no row with a step and a value")
    lost = frame.height - rows.height
    again = rows.with_columns(pl.int_range(pl.len()).over(RUN, TAG, STEP).alias("again"))
    ascending = bool(rows.select((pl.col(STEP).diff().over(RUN, TAG) > 0).all()).item())
    if (again.get_column("again") > 0).any():
        rows, restarted = long_attempts.settled(rows)
        ascending = True
        table.notes += restarted
    wide = rows.pivot(on=TAG, index=[RUN, STEP], values=VALUE, aggregate_function="last")
    if ascending:  # else it is one attempt's order: the metrics may begin at different steps
        first = pl.int_range(pl.len()).min().over(RUN)
        wide = wide.sort(first, pl.col(STEP))
    table.whole_steps = True
    lines = rows.group_by(RUN, STEP, maintain_order=True).agg(pl.col("line").first())
    table.lines = wide.join(lines, on=[RUN, STEP], how="left", maintain_order="left")["line"]
    table.frame = wide if run else wide.drop(RUN)
    if lost:
        table.notes.append(f"{table.path.name}: {lost} rows without a step or value are left out")
    return table


def _in_tags(frame: pl.DataFrame, tag: str) -> pl.DataFrame:
    """Names of metrics with what further columns say of them: phase, statistic, unit of a KL."""
    name = pl.col(tag)
    for column in frame.columns:
        if column == tag or frame.get_column(column).dtype != pl.String:
            continue
        text = pl.col(column).str.strip_chars().str.to_lowercase()
        words = set(frame.select(text).to_series().drop_nulls().unique()) - {""}
        if len(words) > 1 and words <= PHASE_WORDS.keys():
            name = text.replace(PHASE_WORDS) + "/" + name
        elif len(words) > 1 and words <= STATISTICS:
            name = pl.when(text.is_in(MEANS)).then(name).otherwise(name + "_" + text)
        elif column.lower() in ("unit", "units"):
            of_kl = pl.col(tag).str.to_lowercase().str.contains(r"(^|/)kl$") & (text != "")
            name = pl.when(of_kl).then(name + " (" + text + ")").otherwise(name)
    return frame.with_columns(name.alias(tag)) if frame.schema[tag] == pl.String else frame


def _arm(table: Table, known: list[str]) -> str | None:
    """The column that tells apart what a metric of a long table has twice at a step."""
    frame = table.frame
    if not frame.select(known).is_duplicated().any():
        return None
    for name, kind in frame.schema.items():
        within = folded(name) in WITHIN_A_RUN | NO_RUN
        no_arm = (
            within
            or name in known
            or kind.is_nested()
            or LONG_VALUE.find([name])
            or TIME.find([name])
        )
        if no_arm or not 1 < frame.get_column(name).n_unique() <= MOST_ARMS:
            continue
        if not frame.select(name, *known).is_duplicated().any():
            table.notes.append(
                f"{table.path.name}: column {name} tells apart what stands twice at a step, so "
                "each of its values is a run of its own"
            )
            return name
    return None


def _tags(tags: pl.Series) -> pl.Series:
    """Names of metrics without what all of them begin with, where a tracker puts that there."""
    plain = tags.str.replace("^metrics/", "") if tags.str.starts_with("metrics/").all() else tags
    return plain.alias(TAG)


def _text(column: pl.Series) -> pl.Series:
    return column.cast(pl.String).fill_null("")


def _lines(table: Table) -> pl.Series:
    return pl.Series("line", list(table.lines) or [1] * table.frame.height, pl.Int64)


def of_charts(tables: Sequence[Table]) -> Table:
    """Charts of W&B's page as one table: each line of each chart is a metric of a run.

    Raises:
        LogError: the charts are not drawn against steps.
    """
    parts, notes, grouped = [], [], False
    for table in tables:
        frame = table.frame
        axis = frame.columns[0]
        if axis not in STEPS:
            raise LogError(f"{table.path.name} is a chart against {axis}: export it against Step")
        steps = frame.get_column(axis).cast(pl.Float64, strict=False).cast(pl.Int64, strict=False)
        for column in frame.columns[1:]:
            found = CHART.fullmatch(column)
            if found is None or column.endswith(EXTREMES):
                continue
            run, key = found["run"], found["key"]
            grouped = grouped or run.startswith("Group: ")
            values = frame.get_column(column).cast(pl.String).alias(VALUE)
            parts.append(pl.DataFrame([
                _same(RUN, run.removeprefix("Group: "), frame.height), steps.alias(STEP),
                _same(TAG, key, frame.height), values, _lines(table),
            ]).filter((pl.col(VALUE) != "") & pl.col(STEP).is_not_null()))  # fmt: skip
        notes += table.notes
    whole = Table(tables[0].path, pl.concat(parts), notes=notes)
    whole.lines = whole.frame.get_column("line")
    whole.frame = whole.frame.drop("line")
    whole.unread = [problem for table in tables for problem in table.unread]
    if grouped:
        whole.notes.append(
            "a grouped chart: each value is the mean of a group of runs, not one run's"
        )
    return of_long(whole)


def _same(name: str, value: str, height: int) -> pl.Series:
    return pl.Series(name, [value], pl.String).new_from_index(0, height)


def of_downloads(tables: Sequence[Table]) -> Table:
    """Charts of which the files' names say run and metric, as one table.

    Raises:
        LogError: one has no steps and values, or a name says no metric.
    """
    parts = []
    names = [named_charts.named_by(table.path) for table in tables]
    for table, (run, tag) in zip(tables, names, strict=True):
        step, lines = named_charts.lines_of(table.frame.columns, run)
        if step is None or not lines:
            raise LogError(f"{table.path.name} has no columns Step and Value")
        height = table.frame.height
        parts += [
            pl.DataFrame([
                _same(RUN, of, height), table.frame.get_column(step).cast(pl.String).alias(STEP),
                _same(TAG, tag, height), table.frame.get_column(key).cast(pl.String).alias(VALUE),
            ]) for key, of in lines
        ]  # fmt: skip
    whole = Table(tables[0].path, pl.concat(parts))
    whole.lines = range(1, whole.frame.height + 1)
    whole.notes = [note for table in tables for note in table.notes]
    if not (whole.frame.get_column(RUN) != "").any():
        whole.frame, whole.of_folder = whole.frame.drop(RUN), True
        whole.notes.append(
            f"the names of the files say their metrics: {', '.join(t for _, t in names)}"
        )
    return of_long(whole)
