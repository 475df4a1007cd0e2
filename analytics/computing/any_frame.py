"""Frames of any library at the door: columns by name, as Polars series of numbers or of words.

What cannot be read is refused in one sentence that names the column, what it holds and what was
expected: nothing is guessed, and nothing is dropped unsaid.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.wording import number

FRAMES = "a Polars, pandas or PyArrow frame, or a dict of lists"
_MISSING_WORDS = ("", "nan", "none", "null", "na")
_NAMED_AT_MOST = 30
_ALIKE = ({int, float}, {str}, {bool}, {datetime}, {date}, {timedelta})
"""Kinds of cells that a list may hold together and still be a column of one type."""


class FrameError(ValueError):
    """A frame or a column that cannot be used; the message says which, why, and what to do."""


@dataclass(frozen=True)
class AnyFrame:
    """A frame of any library: the names of its columns, and how to have some of them.

    library: "polars", "pandas", "pyarrow" …; index: names of a pandas index, which are no columns.
    """

    names: list[str]
    library: str
    lazy: bool
    index: tuple[str, ...]
    _read: Callable[[list[str]], dict[str, pl.Series]]

    def columns(self, wanted: Sequence[str]) -> dict[str, pl.Series]:
        """Some columns by name, read once; cells that are no plain values come as objects.

        Raises FrameError where one is not there.
        """
        for name in wanted:
            self.need(name)
        return self._read(list(dict.fromkeys(wanted)))

    def need(self, name: str) -> None:
        """Raise FrameError unless there is a column of that name."""
        if name not in self.names:
            raise FrameError(missing(name, self.names, self.index))


def missing(name: str, names: Sequence[str], index: Sequence[str] = ()) -> str:
    """The sentence that a column is not there, with the nearest name and those that are.

    >>> missing("gold_rewrd", ["step", "gold_reward"])
    "there is no column 'gold_rewrd'; did you mean 'gold_reward'? There are: 'step', 'gold_reward'."
    """
    message = f"there is no column {name!r}"
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    near = near or [other for other in names if other.lower() == name.lower()]
    if name in index:
        message += "; it is the frame's index: frame.reset_index() makes it a column."
    elif near:
        message += f"; did you mean {near[0]!r}?"
    else:
        message += "."
    listed = ", ".join(repr(other) for other in names[:_NAMED_AT_MOST])
    more = len(names) - _NAMED_AT_MOST
    return f"{message} There are: {listed or 'none'}{f' and {more} more' if more > 0 else ''}."


def any_frame(frame: Any) -> AnyFrame:
    """The columns of a frame of any library, eager or lazy (whatever narwhals knows), or of a dict.

    Raises:
        FrameError: it is no frame, or one whose columns have no plain names.
    """
    if isinstance(frame, Mapping):
        return _of_dict(frame)
    try:
        door: Any = nw.from_native(frame)
        names = door.collect_schema().names()
        if not all(isinstance(name, str) for name in names):
            raise TypeError("a column's name is no text")
    except Exception as error:
        kind = f"{type(frame).__module__.split('.')[0]}.{type(frame).__name__}"
        what = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise FrameError(
            f"this {kind} cannot be read as a frame ({what}): give {FRAMES}, with a name of its "
            "own for each column."
        ) from error

    def read(wanted: list[str]) -> dict[str, pl.Series]:
        some = door.select(wanted)
        if isinstance(some, nw.LazyFrame):
            some = some.collect("polars")
        return {name: _series(some[name]) for name in wanted}

    index = tuple(str(name) for name in getattr(getattr(frame, "index", None), "names", ()) if name)
    library = str(door.implementation).lower()
    return AnyFrame(names, library, isinstance(door, nw.LazyFrame), index, read)


def polars_frame(frame: Any, *needed: str) -> pl.DataFrame:
    """A whole frame of any library in Polars; a Polars frame is returned as it is.

    Raises:
        FrameError: it is no frame, or a needed column is not there.
    """
    if isinstance(frame, pl.DataFrame):
        names, made = frame.columns, frame
    else:
        door = any_frame(frame)
        names, made = door.names, pl.DataFrame(list(door.columns(door.names).values()))
    for name in needed:
        if name not in names:
            raise FrameError(missing(name, names))
    return made


def _of_dict(frame: Mapping[Any, Any]) -> AnyFrame:
    names = [str(name) for name in frame]
    cells = {str(name): values for name, values in frame.items()}
    lengths = {}
    for name, values in cells.items():
        if isinstance(values, str) or not hasattr(values, "__len__"):
            raise FrameError(f"{name!r} of the dict holds {values!r}; expected a list of cells.")
        lengths[name] = len(values)
    if len(set(lengths.values())) > 1:
        lengths_text = ", ".join(f"{name!r} {count}" for name, count in lengths.items())
        raise FrameError(f"the lists of the dict are not equally long: {lengths_text}.")

    def read(wanted: list[str]) -> dict[str, pl.Series]:
        return {name: _named(name, cells[name]) for name in wanted}

    return AnyFrame(names, "dict", False, (), read)


def _named(name: str, values: Any) -> pl.Series:
    if isinstance(values, list | tuple):
        kinds = {type(cell) for cell in values} - {type(None)}
        if not any(kinds <= alike for alike in _ALIKE):  # whoever needs numbers looks at each
            return pl.Series(name, values, dtype=pl.Object)
    try:
        return pl.Series(name, values)
    except Exception:
        return pl.Series(name, list(values), dtype=pl.Object)


def _series(column: Any) -> pl.Series:
    try:
        made: pl.Series = column.to_polars()
    except Exception:
        made = pl.Series(column.name, column.to_list(), dtype=pl.Object)
    return made


def numbers(column: pl.Series) -> pl.Series:
    """A column as Float64: whole, decimal and nullable numbers, and text that is a number.

    Raises:
        FrameError: it holds anything else; the message names the column and a cell.
    """
    kind = column.dtype
    if kind.is_numeric() or kind == pl.Null:
        return column.cast(pl.Float64)
    if isinstance(kind, pl.String | pl.Categorical | pl.Enum):
        return _of_text(column.cast(pl.String))
    if isinstance(kind, pl.Object):
        cells = [_of_object(cell, column.name, i) for i, cell in enumerate(column.to_list())]
        return pl.Series(column.name, cells, dtype=pl.Float64)
    raise FrameError(f"column {column.name!r} holds {_words(kind)}; expected numbers.")


def whole_numbers(column: pl.Series) -> pl.Series:
    """A column as Int64; missing cells stay missing.

    Raises:
        FrameError: a cell is no whole number.
    """
    if column.dtype.is_integer():
        return column.cast(pl.Int64, strict=False)
    values = numbers(column).fill_nan(None)
    odd = values.filter(values.is_not_null() & ~(values == values.round()).fill_null(False))
    odd = odd if odd.len() else values.filter(values.abs() > 2.0**53)
    if odd.len():
        raise FrameError(
            f"column {column.name!r} holds {number(odd[0])}; expected the optimiser's steps, whole "
            "numbers."
        )
    return values.cast(pl.Int64)


def words(column: pl.Series) -> pl.Series:
    """A column as text; missing cells (null, NaN) stay missing.

    Raises:
        FrameError: its cells are lists or the like.
    """
    if isinstance(column.dtype, pl.Object):
        cells = [None if _is_missing(cell) else str(cell) for cell in column.to_list()]
        return pl.Series(column.name, cells, dtype=pl.String)
    if column.dtype.is_float():
        column = column.fill_nan(None)
    if column.dtype.is_nested():
        raise FrameError(f"column {column.name!r} holds {_words(column.dtype)}; expected words.")
    return column.cast(pl.String)


def array(values: Any, name: str) -> npt.NDArray[np.float64]:
    """A list, NumPy array, Polars or pandas series or PyArrow array as floats; missing is NaN.

    Raises:
        FrameError: it holds what is no number.
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        what = str(error).splitlines()[0]
        raise FrameError(f"{name} holds what is no number ({what}); expected numbers.") from error


def _of_text(column: pl.Series) -> pl.Series:
    bare = column.str.strip_chars()
    made = bare.cast(pl.Float64, strict=False)
    odd = made.is_null() & bare.is_not_null() & ~bare.str.to_lowercase().is_in(_MISSING_WORDS)
    at = odd.arg_true()
    if at.len():
        raise _no_number(column.name, column[at[0]], at[0])
    return made


def _of_object(cell: Any, name: str, row: int) -> float | None:
    if _is_missing(cell):
        return None
    if isinstance(cell, str) and cell.strip().lower() in _MISSING_WORDS:
        return None
    try:
        if isinstance(cell, bool | np.bool_):
            raise TypeError
        return float(cell)
    except (TypeError, ValueError):
        raise _no_number(name, cell, row) from None


def _is_missing(cell: object) -> bool:
    """None, NaN, and pandas' NA and NaT, which are no truth values."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(cell, float) and cell != cell


def _no_number(name: str, cell: object, row: int) -> FrameError:
    return FrameError(
        f"column {name!r} holds {str(cell)[:60]!r} in row {row} (counted from 0); expected numbers."
    )


def _words(kind: pl.DataType) -> str:
    if kind.is_temporal():
        return "dates or times"
    if kind == pl.Boolean:
        return "true and false (right and wrong answers are 1 and 0: cast them)"
    return f"cells of the type {kind}"
