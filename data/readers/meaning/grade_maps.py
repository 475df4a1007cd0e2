"""What the user says of a grader's words: ``entailment=correct,neutral=not_attempted``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from data.columns import LogError
from data.readers.meaning import grades

OPTION = "--grade-map"
NONE = "none"
"""The word for answers that are no answers: they are left out of every rate."""
_LIMIT = re.compile(r"(>=|<=|>|<)\s*([-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)\s*")
_LIMITS = re.compile(rf"(?:{_LIMIT.pattern}){{1,2}}")
_COMPARED: dict[str, Callable[[pl.Expr, float], pl.Expr]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


Bounds = tuple[tuple[str, float], ...]
"""One or two limits, such as ``((">=", 0.4), ("<", 0.8))``."""


@dataclass(frozen=True)
class GradeMap:
    """Grades by word, and by the limits between which a number lies, of which no two meet."""

    words: dict[str, str] = field(default_factory=dict)
    limits: list[tuple[Bounds, str]] = field(default_factory=list)


def parsed(text: str | None) -> GradeMap:
    """The map that an option states.

    >>> parsed("Good=correct, >=0.5=incorrect")
    GradeMap(words={'good': 'correct'}, limits=[((('>=', 0.5),), 'incorrect')])

    Raises:
        LogError: a part is no ``WORD=GRADE``.
    """
    found = GradeMap()
    for part in re.split("[,;]", text or ""):
        if not part.strip():
            continue
        word, _, grade = part.rpartition("=")
        grade = grade.strip().lower().replace(" ", "_").replace("-", "_")
        if not word.strip() or grade not in (*grades.GRADES, NONE):
            raise LogError(
                f"{OPTION} has {part.strip()[:60]!r} where WORD=GRADE is expected, GRADE one of "
                f'{", ".join(grades.GRADES)} or {NONE}, as in "yes=correct,no=incorrect" or '
                '">=0.5=correct,<0.5=incorrect"'
            )
        if _LIMITS.fullmatch(word.strip()):
            bounds = tuple((sign, float(at)) for sign, at in _LIMIT.findall(word))
            _refuse_overlap(found.limits, bounds, grade)
            found.limits.append((bounds, grade))
        else:
            key = str(grades.folded(pl.Series([word]))[0])
            if found.words.setdefault(key, grade) != grade:
                raise LogError(f"{OPTION} gives {word.strip()!r} two grades: say which")
    return found


def _refuse_overlap(limits: list[tuple[Bounds, str]], bounds: Bounds, grade: str) -> None:
    """Refuse limits between which a number lies that another grade's hold too.

    Raises:
        LogError: names both.
    """
    for others, other in limits:
        if other != grade and _meet((*others, *bounds)):
            both = " and ".join(
                "".join(f"{sign}{at:g}" for sign, at in some) + f"={to}"
                for some, to in ((others, other), (bounds, grade))
            )
            raise LogError(
                f"{OPTION} has {both}, which overlap: a number may have one grade only, as in "
                '">=0.8=correct,>=0.4<0.8=not_attempted,<0.4=incorrect"'
            )


def _meet(bounds: Bounds) -> bool:
    """Whether a number fulfils all limits."""
    low = max((at, sign == ">") for sign, at in (*bounds, (">=", -math.inf)) if sign[0] == ">")
    high = min((at, sign == "<=") for sign, at in (*bounds, ("<=", math.inf)) if sign[0] == "<")
    return low[0] < high[0] or (low[0] == high[0] and not low[1] and high[1])


def applied(given: pl.Series, meanings: GradeMap, words: dict[str, str]) -> pl.Series:
    """Grades in our words; what means nothing stays as logged, and is counted and named later.

    Args:
        given: the grader's words, as text.
        meanings: what the user says; it wins.
        words: what the words mean otherwise (``grades.WORDS`` or a turned one).
    """
    if set(meanings.words) & set(grades.TRUTHS):  # one of a pair turned says nothing of the other
        words = {word: grade for word, grade in words.items() if word not in grades.TRUTHS}
    key = grades.folded(given).alias("key")
    rows = pl.DataFrame([key, given.alias("given")])
    number = pl.col("key").cast(pl.Float64, strict=False).fill_nan(None)
    by_limit = pl.coalesce(
        pl.lit(None, pl.String),
        *(
            pl.when(*(_COMPARED[sign](number, at) for sign, at in bounds)).then(pl.lit(to))
            for bounds, to in meanings.limits
        ),
    )
    by_word = pl.col("key").replace_strict(
        words | meanings.words, default=None, return_dtype=pl.String
    )
    stated = pl.col("key").is_in(list(meanings.words))
    known = pl.when(stated).then(by_word).otherwise(pl.coalesce(by_limit, by_word))
    otherwise = pl.when(pl.col("key").is_in(list(grades.WORDS))).then(
        pl.format("{} (not in the grade map)", "given")
    ).otherwise("given")  # fmt: skip
    left = pl.when(known == NONE).then(pl.format("{} (left out)", "given")).otherwise(known)
    return rows.select(pl.coalesce(left, otherwise).alias(given.name)).to_series()
