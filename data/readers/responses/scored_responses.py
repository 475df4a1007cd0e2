"""Responses that are scored more than once: by a judge and some by people, or again and again.

A row that names its ``gold_source`` says who scored; a response that a judge and a person scored is
two rows. ``anchor`` marks a fixed response that the judge scores again at each checkpoint. What
most responses have is their gold; other scores are kept in phases of their own, ``gold:`` and who
gave them, and ``anchor``, so that no question about responses counts them twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

import polars as pl

from data.readers.layouts.cells import EMPTY, TRUTHS, Cells
from data.readers.names.mapping import PHASE, Column

ANCHOR, LABELS = "anchor", "gold:"
SOURCE, MARK = " gold_source", " anchor"
"""Helping columns, gone again at the end: no log has a column of such a name."""
_ASKED = {
    "gold_source": Column("gold_source", ("gold_source",)),
    ANCHOR: Column(ANCHOR, (ANCHOR, "is_anchor", "anchor_id", "anchors")),
    "kind": Column("kind", ("kind", "type", "row_type", "response_type", "response_kind")),
}
_ASKED |= {PHASE.name: PHASE}
ANCHOR_PHASES = {ANCHOR: "eval", "anchors": "eval"}
"""Further words of a column of phases, here alone."""
_PEOPLE = re.compile(
    r"(^|[^a-z])(humans?|people|persons?|annotat\w*|raters?|experts?|crowd\w*|labell?ers?)([^a-z]|$)"
)
_MADE = re.compile(
    r"(^|[^a-z])(rm|reward|model|preferences?|classifier|predictor|simulated|llm|human ?eval)"
    r"([^a-z]|$)"
)
"""What learnt from people, or is named after them, and is none."""
_KEPT = ("step", "prompt_id", "prompt", "completion", "sample_id", "text_id", "gold_reward")


class Scored(NamedTuple):
    """responses: each once, as it is shown; labels: further scores, a response and source once;
    anchors: fixed responses, each once a step; golds: every score by who gave it ("" = not named),
    None where nothing names a second one; notes: what a reader is told."""

    responses: pl.DataFrame
    labels: pl.DataFrame
    anchors: pl.DataFrame
    golds: dict[str, pl.DataFrame] | None
    notes: list[str]


def by_people(source: str) -> bool:
    """Whether a source of gold is, by its name, people.

    >>> by_people("human"), by_people("expert_raters"), by_people("gpt-judge"), by_people("humane")
    (True, True, False, False)
    >>> by_people("human_preference_rm"), by_people("HumanEval tests"), by_people("human_judges")
    (False, False, True)
    """
    words = re.sub(r"[_\W]+", " ", source.lower())
    return _PEOPLE.search(words) is not None and _MADE.search(words) is None


def columns_of(cells: Cells) -> tuple[list[pl.Series], set[str]]:
    """Who scored (SOURCE) and whether it is an anchor (MARK) where that is told, and their keys."""
    keys = cells.table.frame.columns
    found = {name: key for name, column in _ASKED.items() if (key := column.find(keys))}
    series, taken = [], set()
    if key := found.get("gold_source"):
        series.append(cells.texts(key).fill_null("").str.strip_chars().alias(SOURCE))
        taken.add(key)
    marks = []
    if ANCHOR in found and (marked := _marked(cells.texts(found[ANCHOR]))) is not None:
        marks.append(marked)
        taken.add(found[ANCHOR])
    for name in ("kind", PHASE.name):
        if name in found:
            kind = cells.texts(found[name]).str.strip_chars().str.to_lowercase().fill_null("")
            marks.append(kind.is_in([ANCHOR, "anchors"]))
    if any(mark.any() for mark in marks):
        every = pl.DataFrame([mark.alias(str(n)) for n, mark in enumerate(marks)])
        series.append(every.select(pl.any_horizontal(pl.all())).to_series().alias(MARK))
    return series, taken


def _marked(cells: pl.Series) -> pl.Series | None:
    """Which rows a column ``anchor`` marks: true or false, or an anchor's id where it is one.

    A whole number is an id where other rows are empty or 0. None where it holds other numbers:
    then it is none.

    >>> _marked(pl.Series(["a7", "", None, "no"])).to_list(), _marked(pl.Series(["0.3", "1"]))
    ([True, False, False, False], None)
    >>> _marked(pl.Series(["7", "0", ""])).to_list(), _marked(pl.Series(["7", "8"]))
    ([True, False, False], None)
    """
    words = cells.str.strip_chars().str.to_lowercase().fill_null("")
    true = words.replace_strict(TRUTHS, default=None, return_dtype=pl.Boolean)
    other = words.filter(true.is_null() & ~words.is_in(EMPTY))
    numbers = other.cast(pl.Float64, strict=False)
    ids = (numbers > 1) & (numbers == numbers.round())
    if numbers.count() and not (ids.all() and other.len() < words.len()):
        return None
    return true.fill_null(~words.is_in(EMPTY))


def parted(samples: pl.DataFrame, sealed: Collection[str] = ()) -> Scored:
    """One run's rows taken apart; columns of SAMPLE_COLUMNS and those of `columns_of`.

    sealed: sources whose scores are nobody's gold but the gate's: never what most responses have.
    """
    if "gold_reward" not in samples.columns:
        samples = samples.with_columns(gold_reward=pl.lit(None, pl.Float64))
    anchors = samples.clear()
    if MARK in samples.columns:
        anchors = samples.filter(pl.col(MARK))
        samples = samples.filter(~pl.col(MARK)).drop(MARK)
    if SOURCE not in samples.columns:
        return Scored(samples, _labels(samples.clear()), _anchors(anchors), None, [])
    if SOURCE in anchors.columns:
        anchors = _of_judge(anchors.filter(~pl.col(SOURCE).is_in(list(sealed))))
    sized = samples.filter(pl.col("gold_reward").is_not_null()).group_by(SOURCE).len()
    sizes = dict(sorted(sized.iter_rows()))
    if len(sizes) <= 1 and not any(map(by_people, sizes)) and not set(sealed) & set(sizes):
        responses = samples.drop(SOURCE)
        return Scored(responses, _labels(samples.clear()), _anchors(anchors), None, [])
    main = max(sizes, key=lambda name: (name not in sealed, not by_people(name), sizes[name]))
    # what another source did not score is no response of its own
    own = (pl.col(SOURCE) == main) | ~pl.col(SOURCE).is_in(list(sizes))
    shut = pl.col(SOURCE).is_in(list(sealed))
    labelled = ~own | shut if len(sizes) > 1 else pl.col("gold_reward").is_not_null()
    further = samples.filter(labelled)
    notes, alone = [], _alone(samples.filter(own), further)
    if _ambiguous(samples.filter(own), further):
        further, alone = further.clear(), alone.clear()
        notes.append(
            "which response of a prompt a further score belongs to cannot be told: log sample_id, "
            "or the response's text, with both; until then only the means by source are kept"
        )
    golds = {str(name): part.drop(SOURCE) for (name,), part in samples.group_by(
        SOURCE, maintain_order=True) if name in sizes}  # fmt: skip
    open_gold = pl.when(~shut).then("gold_reward").alias("gold_reward")
    responses = pl.concat([samples.filter(own).with_columns(open_gold).drop(SOURCE), alone])
    return Scored(responses, _labels(further), _anchors(anchors), golds, notes)


def _alone(own: pl.DataFrame, further: pl.DataFrame) -> pl.DataFrame:
    """Responses that the main source did not score: theirs too are text and proxy, without gold."""
    name = next((c for c in ("sample_id", "completion") if c in further.columns), "prompt_id")
    wanted = dict.fromkeys(("phase", "step", "prompt_id", name))
    keys = [c for c in wanted if c in further.columns]
    rows = further.join(own, on=keys, how="anti", nulls_equal=True).drop(SOURCE)
    alone = [pl.col(c).is_not_null() for c in ("proxy_reward", "completion") if c in rows.columns]
    rows = rows.filter(pl.any_horizontal(pl.lit(False), *alone))
    return rows.unique(keys, keep="first", maintain_order=True).with_columns(
        gold_reward=pl.lit(None, pl.Float64)
    )


def _ambiguous(own: pl.DataFrame, further: pl.DataFrame) -> bool:
    """Whether scores of one response cannot be found: several a prompt, without text or number."""
    if "sample_id" in own.columns or further.is_empty() or own.is_empty():
        return False
    if "completion" in own.columns and (own.get_column("completion").fill_null("") != "").all():
        return False
    keys = [c for c in ("phase", "step", "prompt_id") if c in own.columns]
    return bool(own.select(pl.struct(keys).is_duplicated().any()).item())


def _of_judge(anchors: pl.DataFrame) -> pl.DataFrame:
    """The scores of one judge, whoever else scored the anchors."""
    if SOURCE not in anchors.columns or anchors.is_empty():
        return anchors
    sizes = dict(sorted(anchors.group_by(SOURCE).len().iter_rows()))
    main = max(sizes, key=lambda name: (not by_people(name), sizes[name]))
    return anchors.filter(pl.col(SOURCE) == main)


def _labels(rows: pl.DataFrame) -> pl.DataFrame:
    """Scores of responses, several by one source averaged, in a phase that names the source."""
    if SOURCE not in rows.columns:
        return rows.select(_there(rows))
    source = pl.when(pl.col(SOURCE) == "").then(pl.lit("not named")).otherwise(pl.col(SOURCE))
    return _once(rows.with_columns(phase=LABELS + source))


def _anchors(rows: pl.DataFrame) -> pl.DataFrame:
    return _once(rows.with_columns(phase=pl.lit(ANCHOR, pl.String)))


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """Each response once a step and phase, at the mean of its scores, numbered where it is not."""
    rows = rows.filter(pl.col("gold_reward").is_not_null())
    rows = rows.select("phase", *_there(rows, "phase"))
    texts = [c for c in ("prompt_id", "sample_id", "completion") if c in rows.columns]
    keys = ["phase", "step", *texts]
    others = [pl.col(c).last() for c in rows.columns if c not in (*keys, "gold_reward")]
    rows = rows.group_by(keys, maintain_order=True).agg(pl.col("gold_reward").mean(), *others)
    if "sample_id" not in rows.columns:
        group = [c for c in ("phase", "step", "prompt_id") if c in rows.columns]
        rows = rows.with_columns(sample_id=pl.int_range(pl.len()).over(group))
    return rows


def _there(rows: pl.DataFrame, *but: str) -> list[str]:
    return [c for c in _KEPT if c in rows.columns and c not in but]
