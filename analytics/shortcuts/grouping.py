"""Features that say the same are one group: what one explains is no shortcut of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analytics.shortcuts.rules import Rule, Texts

Floats = npt.NDArray[np.float64]

MOST = 10
"""Shortcuts of a run that are told."""
NEAR = 0.9
"""Of those that earned nearly as much as the first, the one that is told most surely leads."""
ALIKE = 0.3
"""Correlation over responses from which a feature that is explained is said to say the same."""


class Group(NamedTuple):
    """The place of the feature that leads, and those that say the same."""

    lead: int
    same: tuple[int, ...]


def groups(
    rules: Sequence[Rule], presence: sparse.csc_array, found: npt.NDArray[np.intp], earned: Floats,
    sure: Floats, needed: Floats, paid: Callable[[Floats], Floats], texts: Texts,
) -> list[Group]:  # fmt: skip
    """The features found, parted into groups by what is left of their pay.

    First the one that earned most; then what it explains of the rewards is taken out, and those
    that are not paid for any more belong to it.

    Args:
        rules: of all features.
        presence: responses x features.
        found: places of those that e-BH chose.
        earned: of all.
        sure: log e-values of all.
        needed: log e-value that each needs.
        paid: log e-values of all, given rows x features that are taken out.
        texts: the responses, for the amounts that features were cut from.
    """
    left, leads, taken = set(found.tolist()), list[int](), list[Floats]()
    members: dict[int, list[int]] = {}
    while left and len(leads) < MOST:
        best = max(float(earned[at]) for at in left)
        near = [at for at in left if earned[at] >= NEAR * best]
        lead = max(near, key=lambda at: (round(float(sure[at]), 6), -at))
        left.discard(lead)
        leads.append(lead)
        members[lead] = []
        taken += _explains(rules[lead], presence[:, [lead]].toarray()[:, 0], texts)
        rest = paid(np.column_stack(taken))
        gone = [at for at in left if rest[at] < needed[at]]
        if gone:
            like = _alike(presence, gone, leads)
            for at, row in zip(gone, like, strict=True):
                if row.max() >= ALIKE:
                    members[leads[int(row.argmax())]].append(at)
            left.difference_update(gone)
    return [Group(lead, tuple(sorted(members[lead], key=lambda at: -earned[at]))) for lead in leads]


def _explains(rule: Rule, there: Floats, texts: Texts) -> list[Floats]:
    """A feature, and the amount that it was cut from, in two bends: longer is more than long."""
    if rule.measure not in ("letters", "repeated runs"):
        return [there]
    amount = texts.amount(rule.measure, rule.argument)
    amount = np.log1p(amount) if rule.measure == "letters" else amount
    spread = float(amount.std()) or 1.0
    level = (amount - amount.mean()) / spread
    return [there, level, level**2, np.clip(level, 0, None)]


def _alike(presence: sparse.csc_array, some: list[int], leads: list[int]) -> Floats:
    """Correlations over responses of some features with those that lead."""
    n = presence.shape[0]
    one, other = presence[:, some], presence[:, leads]
    both = (one.T @ other).toarray() / n
    a, b = (np.asarray(x.sum(axis=0)).ravel() / n for x in (one, other))
    size = np.sqrt(np.outer(a * (1 - a), b * (1 - b)))
    return np.asarray((both - np.outer(a, b)) / np.maximum(size, 1e-12))
