"""Numbers as people and spreadsheets write them: ``1,000``, ``1.234,5``, ``1 000``, ``51.5 %``."""

from __future__ import annotations

import polars as pl

SAMPLE = 200  # rows that show how a table writes its numbers
LONGEST = 40  # characters of a cell that may be a number

_BLANKS = "[ \u00a0\u2009\u202f'\u2019]"
_END = r"([eE][-+]?\d+)?\s*%?$"
_COMMA = rf"^[-+]?[\d.]*,\d+{_END}"
_THOUSANDS = rf"^[-+]?[1-9]\d{{0,2}}(,\d{{3}})+(\.\d*)?{_END}"
_POINT_THOUSANDS = rf"^[-+]?[1-9]\d{{0,2}}(\.\d{{3}})+(,\d+)?{_END}"
_BLANK_THOUSANDS = rf"^[-+]?[1-9]\d{{0,2}}({_BLANKS}\d{{3}})+([.,]\d*)?{_END}"
_POINT = rf"^[-+]?\d*\.\d+{_END}"


def has_decimal_commas(frame: pl.DataFrame) -> bool:
    """Whether a table of text writes a decimal as ``0,5``, as its first rows show."""
    commas = points = False
    for column in frame.head(SAMPLE).get_columns():
        if column.dtype != pl.String or not column.str.contains(",", literal=True).any():
            continue
        short = column.filter(column.str.len_chars() <= LONGEST).str.strip_chars()
        with_comma = short.filter(short.str.contains(_COMMA))
        commas = commas or not with_comma.str.contains(_THOUSANDS).all()
        points = points or bool(short.str.contains(_POINT).any())
    return commas and not points


def numbers(texts: pl.Series, decimal_commas: bool) -> pl.Series:
    """Cells as floats; null where one is no number, a percentage is a share of 1.

    Args:
        texts: cells, of which none need be a number.
        decimal_commas: whether ``0,5`` is a half and ``1.000`` a thousand.
    """
    cell = pl.col("cell")
    plain = cell.str.strip_chars().str.replace("^\u2212", "-")  # a minus as it is typeset
    spaced = plain.str.contains(_BLANK_THOUSANDS)
    plain = pl.when(spaced).then(plain.str.replace_all(_BLANKS, "")).otherwise(plain)
    if decimal_commas:
        grouped = plain.str.contains(_POINT_THOUSANDS) | plain.str.contains(_COMMA)
        ungrouped = plain.str.replace_all(".", "", literal=True)
        plain = pl.when(grouped).then(ungrouped).otherwise(plain)
        plain = plain.str.replace(",", ".", literal=True)
    else:
        grouped = plain.str.contains(_THOUSANDS)
        plain = pl.when(grouped).then(plain.str.replace_all(",", "")).otherwise(plain)
    share = plain.str.ends_with("%")
    bare = plain.str.replace(r"\s*%$", "")
    number = bare.cast(pl.Float64, strict=False)
    value = pl.when(share).then(number / 100).otherwise(number)
    short = pl.when(cell.str.len_chars() <= LONGEST).then(cell)
    found = pl.DataFrame({"cell": texts}).select(short).select(value.alias("cell"))
    return found.to_series().alias(texts.name)


def truths(texts: pl.Series) -> pl.Series | None:
    """A column of nothing but true and false as 1 and 0; None for any other."""
    words = texts.str.strip_chars().str.to_lowercase()
    known = words.is_in(["true", "false"])
    if not known.any() or not (known | words.is_null() | (words == "")).all():
        return None
    found = pl.DataFrame({"w": words}).select(
        pl.when(pl.col("w") == "true").then(1.0).when(pl.col("w") == "false").then(0.0)
    )
    return found.to_series().alias(texts.name)
