"""Numbers as people and spreadsheets write them: ``1,000``, ``1.234,5``, ``1 000``, ``51.5 %``."""

from __future__ import annotations

import re

import polars as pl

SAMPLE = 200  # rows that show how a table writes its numbers
LONGEST = 40  # characters of a cell that may be a number

NORMAL_95 = 1.96
"""Standard errors to either side of a mean in an interval of 95 %."""
_NUMBER = r"[-+\u2212]?\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?"
_APART = rf"^\s*(?P<value>{_NUMBER})\s*(?P<share>%?)\s*"
_WITH_ERROR = (
    rf"{_APART}(?:\u00b1|\+/-|\+-|\\pm)\s*(?P<error>{_NUMBER})\s*%?\s*$",
    rf"{_APART}\(\s*(?:\u00b1|\+/-)?\s*(?P<error>\d[\d.,]*[.,]\d+|0)\s*%?\s*\)\s*$",
)
_INTERVAL = (
    rf"{_APART}[\[(]\s*(?:95\s*%\s*)?(?:CI)?[:=]?\s*(?P<low>{_NUMBER})\s*%?\s*"
    rf"(?:,\s|;|\u2013|\.\.| - | to |,|-)\s*(?P<high>{_NUMBER})\s*%?\s*[\])]\s*$"
)

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


def is_interval(cell: str) -> bool:
    """Whether a cell that ``with_errors`` parts says its error by an interval.

    >>> is_interval("0.61 [0.58, 0.64]"), is_interval("0.61 (0.02)")
    (True, False)
    """
    return not any(re.match(form, cell) for form in _WITH_ERROR) and bool(re.match(_INTERVAL, cell))


def with_errors(texts: pl.Series, decimal_commas: bool = False) -> pl.Series:
    """Cells such as ``0.61 ± 0.02``, ``0.61 (0.02)``, ``0.61 [0.58, 0.64]`` as value and error.

    A struct of ``value`` and ``error``, null where a cell is none of these. The error of an
    interval is half of it over 1.96, which holds for one of 95 %.
    """
    rows = pl.DataFrame({"cell": texts})
    nothing = pl.lit(None, pl.String)
    value = error = share = low = high = nothing
    for form in _WITH_ERROR:
        parts = pl.col("cell").str.extract_groups(form)
        value = pl.coalesce(value, parts.struct.field("value"))
        error = pl.coalesce(error, parts.struct.field("error"))
        share = pl.coalesce(share, parts.struct.field("share"))
    parts = pl.col("cell").str.extract_groups(_INTERVAL)
    value = pl.coalesce(value, parts.struct.field("value"))
    share = pl.coalesce(share, parts.struct.field("share"))
    low, high = (pl.when(error.is_null()).then(parts.struct.field(end)) for end in ("low", "high"))
    short = rows.select(
        pl.when(pl.col("cell").str.len_chars() <= LONGEST).then("cell").alias("cell")
    )
    texts_apart = short.select(
        value.alias("value"), error.alias("error"), low.alias("low"), high.alias("high"),
        share.alias("share"),
    )  # fmt: skip
    given = texts_apart.get_column("value").drop_nulls()
    commas = decimal_commas or (
        bool(given.len()) and bool(given.str.contains(r"^\D?\d+,\d+$").all())
    )
    read = pl.DataFrame(
        [
            numbers(texts_apart.get_column(name), commas)
            for name in ("value", "error", "low", "high")
        ]
    )
    half = (pl.col("high") - pl.col("low")) / (2 * NORMAL_95)
    scale = pl.when(texts_apart.get_column("share") == "%").then(0.01).otherwise(1.0)
    known = read.with_columns(
        (pl.col("value") * scale).alias("value"),
        (pl.coalesce("error", half) * scale).alias("error"),
    ).with_columns(pl.when(pl.col("error") >= 0).then("error").alias("error"))
    within = read.select(pl.col("value").is_between("low", "high").fill_null(True)).to_series()
    found = known.select(
        pl.when(within & pl.col("value").is_not_null() & pl.col("error").is_not_null())
        .then(pl.struct("value", "error")).alias("both")
    )  # fmt: skip
    return found.to_series()
