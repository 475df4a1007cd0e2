"""The forms in which rows stand in a JSON document: lists, columns, series, anywhere below keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.columns import LogError
from data.declared.foreign import JsonObject
from data.readers.kl import kl_remarks
from data.readers.names.mapping import GOLD, KL, PHASES, PROXY, folded
from data.readers.raw.scalars import as_number
from data.readers.raw.texts import load_json, read_text

MAX_JSON = 1 << 30  # bytes
MOST_RUNS = 1000  # objects of a list that are looked into
MOST_BESIDE = 1000  # keys of a document among which some may say something of its rows
DEEPEST = 6  # keys above a list of rows
NAMES = ("run_id", "run_name", "run", "name", "experiment_name", "experiment")
TAG, AT, VALUE = "tag", "step", "value"
"""Columns of a long table, into which series are turned."""

SUMMARY = "wandb-summary.json"
"""W&B's file of the last value of each metric."""
NO_CURVE = (
    "holds one value of each metric, the last one, and no curve: import the run's log itself "
    "(W&B's run-*.wandb, or its history as CSV), or pull it"
)

Row = JsonObject


@dataclass
class Rows:
    """The rows of a document, the run that it names, and what was chosen."""

    rows: list[Row]
    run: str = ""
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # what stands beside the rows


def is_lines(path: Path) -> bool:
    """Whether a file holds one JSON object a line, whatever its suffix says."""
    try:
        with path.open("rb") as file:
            lines = [line for line in (file.readline(1 << 20) for _ in range(8)) if line.strip()]
    except OSError:
        return False
    first = [line.strip() for line in lines[:2]]
    return len(first) == 2 and all(x.startswith(b"{") and x.endswith(b"}") for x in first)


def read(path: Path) -> Rows:
    """The rows of a JSON document, and what it says beside them.

    Raises:
        LogError: it cannot be read, or holds no rows in any known form.
    """
    value = load_json(read_text(path, MAX_JSON), path.name)
    found = _read(path, value)
    found.remarks = kl_remarks.of_object(_beside(value))
    return found


def _beside(value: Any, deep: int = DEEPEST) -> Any:
    """A document without its rows: what it says of them."""
    if isinstance(value, dict) and deep and len(value) <= MOST_BESIDE:
        return {key: _beside(inner, deep - 1) for key, inner in value.items()}
    if isinstance(value, list) and deep:
        if any(isinstance(item, dict) and _holds_rows(item) for item in value[:MOST_BESIDE]):
            return [_beside(item, deep - 1) for item in value[:MOST_BESIDE]]
        if all(isinstance(v, list) and all(isinstance(x, str) for x in v) for v in value):
            return [": ".join(pair) for pair in value]  # names and what is said of them
        if any(_has_numbers(v) if isinstance(v, dict) else not isinstance(v, str) for v in value):
            return None
    return value if deep else None


def _holds_rows(item: Row) -> bool:
    """Whether an object of a list is a run's, with the list of its rows."""
    return any(
        isinstance(cell, list) and cell and isinstance(cell[0], dict) and _has_numbers(cell[0])
        for cell in item.values()
    )


def _read(path: Path, value: Any) -> Rows:
    below = list(_lists(value, ()))
    for form in FORMS:
        rows = form(value)
        if rows and not (form is _objects and below):
            return Rows(flat(rows), _run(value))
    if not below:
        if isinstance(value, dict) and any(c.find(value) for c in (KL, PROXY, GOLD)):
            raise LogError(f"{path.name} {NO_CURVE}")
        raise LogError(f"{path.name} is no list of objects, so it is no table")
    several = _told_apart(below)
    if several:
        column, names, rows = several
        where_rows = (
            f"{path.name}: rows stand under {', '.join(names[:5])}, which are read as {column}s"
        )
        return Rows(flat(rows), notes=[where_rows.replace("run_ids", "runs")])
    keys, rows = max(below, key=lambda pair: len(pair[1]))
    note = f"{path.name}: the rows stand under {'/'.join(keys)}"
    return Rows(flat(rows), _run(value), [note])


def _told_apart(
    below: Sequence[tuple[tuple[str, ...], list[Row]]],
) -> tuple[str, list[str], list[Row]] | None:
    """Lists of rows of one kind under several names: those are the runs', or the phases'.

    Returns the column that says them, the names, and all rows; None where there is one list.
    """
    alike = [(keys, rows) for keys, rows in below
             if any(column.find(rows[0]) for column in (KL, PROXY, GOLD))]  # fmt: skip
    if len(alike) < 2:
        return None
    depth = range(min(len(keys) for keys, _ in alike))
    place = next((i for i in depth if len({keys[i] for keys, _ in alike}) == len(alike)), None)
    if place is None:
        return None
    names = [keys[place] for keys, _ in alike]
    column = "phase" if all(name.lower() in PHASES for name in names) else "run_id"
    rows = [{column: name, **row} for name, (_, rows) in zip(names, alike, strict=True)
            for row in rows]  # fmt: skip
    return column, names, rows


def _objects(value: Any) -> list[Row]:
    """A list of objects."""
    return value if isinstance(value, list) and all(isinstance(r, dict) for r in value) else []


def _triples(value: Any) -> list[Row]:
    """TensorBoard's download of one chart: time, step and value of each point."""
    if not isinstance(value, list):
        return []
    sound = all(isinstance(r, list) and len(r) == 3 and _plain(r) for r in value)
    return [{"Wall time": r[0], "Step": r[1], "Value": r[2]} for r in value] if sound else []


def _plain(values: list[Any]) -> bool:
    return all(v is None or isinstance(v, (int, float, str)) for v in values)


def _by_row(value: Any) -> list[Row]:
    """Columns whose cells are named by row, as pandas writes them."""
    if not isinstance(value, dict) or not value:
        return []
    if not all(isinstance(c, dict) and _plain(list(c.values())) for c in value.values()):
        return []
    if not all(key.lstrip("-").isdigit() for column in value.values() for key in column):
        return []
    rows: dict[str, Row] = {}
    for name, column in value.items():
        for row, cell in column.items():
            rows.setdefault(row, {})[name] = cell
    return list(rows.values())


def _by_step(value: Any) -> list[Row]:
    """Objects of numbers named by their step."""
    if not isinstance(value, dict) or not value or not all(k.isdigit() for k in value):
        return []
    if not all(isinstance(r, dict) and _plain(list(r.values())) for r in value.values()):
        return []
    return [{"step": int(step), **row} for step, row in value.items() if len(step) < 19]


def _split(value: Any) -> list[Row]:
    """Names of columns beside lists of cells, as pandas and W&B's tables have them."""
    if not isinstance(value, dict) or not isinstance(value.get("columns"), list):
        return []
    names, data = [str(c) for c in value["columns"]], value.get("data")
    if not isinstance(data, list) or not all(
        isinstance(r, list) and len(r) == len(names) for r in data
    ):
        return []
    return [dict(zip(names, row, strict=True)) for row in data]


def _columns(value: Any) -> list[Row]:
    """Lists of one length, one a column."""
    if not isinstance(value, dict):
        return []
    lists = {k: v for k, v in value.items() if isinstance(v, list) and v and _plain(v)}
    lengths = {len(v) for v in lists.values()}
    if len(lists) < 2 or len(lengths) != 1 or any(_lists_within(v) for v in value.values()):
        return []
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _lists_within(value: Any) -> bool:
    """Whether an object holds more than texts and numbers about the columns."""
    return isinstance(value, dict) and not _plain(list(value.values()))


def _series(value: Any) -> list[Row]:
    """Steps and values of each metric below its name, as ClearML has them: a long table."""
    return [
        {TAG: "/".join(keys), AT: step, VALUE: number}
        for keys, steps, numbers in _curves(value, ())
        for step, number in zip(steps, numbers, strict=True)
    ]


def _curves(value: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if not isinstance(value, dict) or len(above) > DEEPEST:
        return
    for x, y in (("x", "y"), ("steps", "values"), ("step", "value")):
        steps, numbers = value.get(x), value.get(y)
        if isinstance(steps, list) and isinstance(numbers, list) and len(steps) == len(numbers):
            yield above, steps, numbers
            return
    for key, inner in value.items():
        yield from _curves(inner, (*above, str(key)))


FORMS: tuple[Callable[[Any], list[Row]], ...] = (
    _objects, _triples, _by_row, _by_step, _split, _columns, _series,
)  # fmt: skip
"""Tried in this order; the first that finds a row is taken."""


def _lists(value: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    """Lists of objects with numbers, below keys or in the objects of a list, by their names."""
    if len(above) > DEEPEST:
        return
    if isinstance(value, list) and all(isinstance(item, dict) for item in value[:MOST_RUNS]):
        named = [(_run(item) or str(number), item) for number, item in enumerate(value[:MOST_RUNS])]
        for name, item in named:
            yield from _lists(item, (*above, name))
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        rows = _objects(inner)
        if rows and _has_numbers(rows[0]):
            yield (*above, str(key)), rows
        elif isinstance(inner, (dict, list)):
            yield from _lists(inner, (*above, str(key)))


def _has_numbers(row: Row) -> bool:
    """Whether an object holds a number, at any depth, and is itself no list's holder."""
    cells = list(row.values())
    if any(as_number(cell) is not None for cell in cells):
        return True
    if any(isinstance(cell, list) for cell in cells):
        return False
    return any(as_number(cell) is not None for _, cell in _leaves(row, ""))


def _run(value: Any) -> str:
    """The run that a document names beside its rows."""
    if not isinstance(value, dict):
        return ""
    for holder in (value, *(v for v in value.values() if isinstance(v, dict))):
        for key in NAMES:
            if isinstance(holder.get(key), str) and holder[key].strip():
                return str(holder[key])
    return ""


def flat(rows: list[Row]) -> list[Row]:
    """Rows whose metrics stand below keys (``{"train": {"kl": …}}``) as ``train/kl``.

    Names that only say that metrics follow (WRAPPERS) are left out.
    """
    if not any(isinstance(cell, dict) for row in rows[:100] for cell in row.values()):
        return rows
    top = {key for row in rows for key, cell in row.items() if not isinstance(cell, dict)}
    if TEXTS & {folded(k) for k in top}:
        return rows
    return [dict(_leaves(_unwrapped(row), "")) for row in rows]


TEXTS = frozenset({"prompt", "completion", "question", "questionid", "grade"})


WRAPPERS = frozenset({"metrics", "logs", "log", "scalars", "values", "data"})


def _unwrapped(row: Row) -> Row:
    """A row with what stands below WRAPPERS beside the rest, unless a name is there already."""
    for key in [key for key in row if key.lower() in WRAPPERS and isinstance(row[key], dict)]:
        if not row[key].keys() & row.keys():
            row = {k: cell for k, cell in row.items() if k != key} | row[key]
    return row


def _leaves(row: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, cell in row.items():
        name = f"{above}{key}"
        if isinstance(cell, dict) and cell:
            yield from _leaves(cell, f"{name}/")
        else:
            yield name, cell
