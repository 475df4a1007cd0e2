"""What a project's choice says of columns, on the way into a table: its next import uses it.

Rewards and KL are given their roles when the rows come into the store (``data.roles.rereading``).
Here is what must be known before: what tells rows and runs apart, and the columns of a table that
has none of our words, which could not be read without.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from data.columns import ReadOptions
from data.readers.answers import answer_tables
from data.readers.meaning.conversion import our_kl
from data.readers.metrics.trainer_tables import recognised
from data.readers.names.mapping import PROXY

APART = ("step", "run_column")
ANSWERS = ("question", "grade", "answer", "reference", "confidence", "topic")
KEYS = ("proxy", "gold", "kl", "length", "lower_is_better")
WORDS = ("grade_map", "gold_kind", "kl_unit", "kl_estimator", "kl_reference", "kl_coefficient")


def fitted(options: ReadOptions, columns: Collection[str]) -> ReadOptions:
    """The options, with what the project says of these columns; what an import states stays.

    >>> kept = ReadOptions(kept={"step": "Tick", "proxy": "RM", "gold": "lost", "kl_unit": "bits"})
    >>> found = fitted(kept, ["Tick", "RM"])
    >>> found.step, found.proxy, found.gold, found.kl_unit
    ('Tick', 'RM', None, 'bits')
    >>> fitted(kept, ["Tick", "RM", "proxy_reward"]).proxy is None
    True
    """
    if not options.kept:
        return options
    there: dict[str, Any] = {
        name: key for name, key in options.kept.items()
        if getattr(options, name) is None and (name in WORDS or key in columns)
    }  # fmt: skip
    given = {name: there[name] for name in APART if name in there}
    given |= _of_answers(options, there, columns)
    keys = {name: there[name] for name in KEYS if name in there}
    if keys and not options.proxy and not options.kl and not _ours(columns):
        given |= keys | {name: there[name] for name in WORDS[1:] if name in there}
    return replace(options, **given) if given else options


def _of_answers(
    options: ReadOptions, there: dict[str, Any], columns: Collection[str]
) -> dict[str, Any]:  # fmt: skip
    """What the project says of graded answers, where this table holds its question and grade."""
    asked = options.question or there.get("question") or answer_tables.question(columns)
    graded = options.grade or there.get("grade") or answer_tables.GRADE.find(columns)
    if not asked or not graded:
        return {}
    return {name: there[name] for name in (*ANSWERS, "grade_map") if name in there}


def _ours(columns: Collection[str]) -> bool:
    """Whether a table is read untold: a trainer's, or one with a proxy or KL of ours."""
    known = PROXY.find(columns) is not None or our_kl(list(columns)) in columns
    return known or recognised(columns) is not None
