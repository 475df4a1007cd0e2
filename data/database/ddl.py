"""SQL that follows from the declaration: the one place where a text is put together from names.

The names are those of ``data.declared`` and of the store's own columns, never of a log.
"""

from __future__ import annotations

import duckdb
import polars as pl

from data.declared import METRICS, POOLED, TABLES, Column, Table

Cursor = duckdb.DuckDBPyConnection
ColumnComments = dict[str, dict[str, str | None]]
"""Columns of the store's tables, in order, with their comments."""

TYPES = {
    pl.String(): "varchar", pl.Int64(): "bigint", pl.Int32(): "integer", pl.Float64(): "double",
    pl.Boolean(): "boolean", pl.Map(pl.String, pl.Float64): "map(varchar, double)",
}  # fmt: skip


def follow(cursor: Cursor) -> list[tuple[Table, Column]]:
    """Make declared tables and columns that the store lacks; which columns are new to a table.

    They are empty: see ``fill``. The caller has begun a transaction.
    """
    columns = _columns_there(cursor)
    new: list[tuple[Table, Column]] = []
    for table in TABLES:
        there = columns.get(table.name)
        if there is None:
            there = {column.name: None for column in table.kept()}
            _create(cursor, table)
        for column in table.kept():
            if column.name not in there:
                cursor.execute(f"alter table {table.name} add column {_stated(column)}")
                new.append((table, column))
            if there.get(column.name) != column.comment:
                where = f"{table.name}.{_quoted(column.name)}"
                cursor.execute(f"comment on column {where} is {_text(column.comment)}")
    _name_pooled(cursor)
    return new


def to_fill(cursor: Cursor, table: Table, column: Column) -> bool:
    """Whether the store kept numbers under a new column's name, before it was declared."""
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        return False
    asked = {
        "scalars": "select 1 from scalars where key = $key limit 1",
        "extra": f"select 1 from {table.name} where map_contains(extra, $key) limit 1",
    }.get(table.further or "")
    return asked is not None and bool(cursor.execute(asked, {"key": column.name}).fetchall())


def fill(cursor: Cursor, table: Table, column: Column) -> None:
    """Fill a new column with what the store kept under its name, before it was declared.

    A column in plain tables that nobody knew is a further number: in the table scalars, or in the
    column extra. It moves. Only where there is something `to_fill`, inside the caller's
    transaction.
    """
    name, kind = _quoted(column.name), TYPES[column.dtype]
    asked = {"key": column.name}
    if table.further == "scalars":
        cursor.execute(
            f"update {table.name} t set {name} = cast(s.value as {kind}) from scalars s "
            "where s.key = $key and s.run_id = t.run_id and s.phase = t.phase and s.step = t.step",
            asked,
        )
        cursor.execute("delete from scalars where key = $key", asked)
    elif table.further == "extra":
        cursor.execute(
            f"update {table.name} set {name} = cast(extra[$key] as {kind}), "
            "extra = map_from_entries(list_filter(map_entries(extra), "
            "lambda pair: pair.key <> $key)) where map_contains(extra, $key)",
            asked,
        )


def merged_metrics(cursor: Cursor) -> None:
    """The temporary table merged_metrics: rows of incoming_metrics that metrics has as well.

    Where both have a value, that of the richer log stands, else the incoming one; columns in the
    order of the table metrics.
    """
    columns = [column[0] for column in cursor.execute("from metrics limit 0").description or ()]
    merged = ", ".join(_merged(name) for name in columns)
    cursor.execute(
        f"create or replace temp table merged_metrics as select {merged} "
        "from incoming_metrics i join metrics m using (run_id, phase, step)"
    )


def await_rows(cursor: Cursor, table: Table) -> None:
    """An empty temporary table incoming_*, of the kinds and in the order that the store has."""
    cursor.execute(
        f"create or replace temp table incoming_{table.name} as from {table.name} limit 0"
    )


def take_rows(cursor: Cursor, table: Table, pattern: str) -> None:
    """Rows of Parquet files (a pattern of ``read_parquet``) into the table incoming_*."""
    cursor.execute(
        f"insert into incoming_{table.name} by name select * from read_parquet($path)",
        {"path": pattern},
    )


def rename_rows(cursor: Cursor, table: Table, old: str, new: str) -> None:
    """Give incoming rows the name under which their run is kept."""
    cursor.execute(
        f"update incoming_{table.name} set loop = $new where loop = $old", {"old": old, "new": new}
    )


def merge_keyed(cursor: Cursor, table: Table) -> dict[str, tuple[int, int]]:
    """Put incoming rows into a table that states its key; by loop the rows added and replaced."""
    same = " and ".join(f"t.{name} is not distinct from c.{name}" for name in _key(table))
    cursor.execute(
        f"create or replace temp table changed_{table.name} as select c.*, "
        f"exists (from {table.name} t where {same}) as is_known "
        f"from (from incoming_{table.name} except from {table.name}) c"
    )
    rows = cursor.execute(
        "select loop, count(*) filter (not is_known), count(*) filter (is_known) "
        f"from changed_{table.name} group by loop"
    ).fetchall()
    if rows:  # an insert of no rows hides a later one from its transaction
        cursor.execute(
            f"delete from {table.name} t using changed_{table.name} c where c.is_known and {same}"
        )
        cursor.execute(
            f"insert into {table.name} by name select * exclude (is_known) "
            f"from changed_{table.name} order by {', '.join(_key(table))}"
        )
    return {loop: (added, replaced) for loop, added, replaced in rows}


def merge_written(cursor: Cursor, table: Table) -> None:
    """Put incoming rows into a table of what people write; the same row a second time is none."""
    same = " and ".join(f"t.{name} is not distinct from i.{name}" for name in _key(table))
    cursor.execute(
        f"insert into {table.name} by name select * from incoming_{table.name} i "
        f"where not exists (from {table.name} t where {same})"
    )


def forget_rows(cursor: Cursor, table: Table) -> None:
    """Remove the rows of the runs in the temporary table affected."""
    cursor.execute(f"delete from {table.name} where loop in (select run_id from affected)")


def _key(table: Table) -> list[str]:
    return [_quoted(name) for name in table.key]


def _merged(name: str) -> str:
    column = _quoted(name)
    if name in ("run_id", "phase", "step"):
        return f"i.{column}"
    if name == "source_rank":
        return "least(i.source_rank, m.source_rank) as source_rank"
    return (
        f"case when i.source_rank <= m.source_rank then coalesce(i.{column}, m.{column}) "
        f"else coalesce(m.{column}, i.{column}) end as {column}"
    )


def _columns_there(cursor: Cursor) -> ColumnComments:
    rows = cursor.execute(
        "select table_name, column_name, comment from duckdb_columns() where not internal "
        "and database_name = current_database() and schema_name = 'main' order by column_index"
    ).fetchall()
    columns: ColumnComments = {}
    for table, column, comment in rows:
        columns.setdefault(table, {})[column] = comment
    return columns


def _create(cursor: Cursor, table: Table) -> None:
    columns = ", ".join(
        f"{_stated(column)}{' not null' if column.required else ''}" for column in table.kept()
    )
    cursor.execute(f"create table {table.name} ({columns})")
    cursor.execute(f"comment on table {table.name} is {_text(table.comment)}")


def _name_pooled(cursor: Cursor) -> None:
    """The macro pooled_columns: which columns of metrics the rollup averages."""
    measured = METRICS.types()
    names = [_text(c.name) for c in POOLED.columns if c.name in measured and c.dtype.is_float()]
    cursor.execute(f"create or replace macro pooled_columns() as [{', '.join(names)}]")


def _stated(column: Column) -> str:
    return f"{_quoted(column.name)} {TYPES[column.dtype]}"


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _text(value: str) -> str:
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
