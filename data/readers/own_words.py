"""Our own words at the end of long names: ``metrics.train.reward.proxy`` is the proxy reward."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from data.readers import kl_headings
from data.readers.kl_table import never
from data.readers.mapping import GOLD, KL, PROXY, STEP, folded

COLUMNS = (PROXY, GOLD, KL, STEP)
EVALUATIONS = ("eval", "val", "valid", "validation", "test")
MEANS = frozenset({"mean", "avg", "average", "value"})
"""Last parts that leave what stands before them what it is."""
OTHERS = frozenset({
    "old", "previous", "prev", "teacher", "engine", "vllm", "sampler", "behave", "behavior",
    "behaviour", "approx", "mismatch", "loss", "coef", "coefficient", "penalty", "target",
    "adaptive", "controller", "ema", "max", "min", "std", "actor", "critic", "rollout",
})  # fmt: skip
"""Words in the name of a KL that is not the one from the initial policy, or none."""
_SURE = re.compile(r"proxy|gold", re.IGNORECASE)
_NAMES = {column.name: {folded(key) for key in column.keys} for column in COLUMNS}


def short(keys: Sequence[str]) -> dict[str, str]:
    """Long names to the last parts by which they are ours, each where nothing else is.

    Nothing is, unless one of them says proxy or gold; and where some are an evaluation's, what is
    training's is told by what stands before.

    >>> short(["step", "metrics.train.reward.proxy", "metrics.train.reward.gold"])
    {'metrics.train.reward.proxy': 'reward/proxy', 'metrics.train.reward.gold': 'reward/gold'}
    """
    parts = {key: re.split(r"[/.]", key) for key in keys}
    if any(p.lower() in EVALUATIONS for found in parts.values() for p in found[:-1]):
        return {}
    ours: dict[str, list[tuple[str, str]]] = {}
    for key, found in parts.items():
        if len(found) > 1 and (said := _of(found)) is not None and not _is_other(said[0], found):
            ours.setdefault(said[0], []).append((key, said[1]))
    chosen = {
        pairs[0][0]: pairs[0][1] for column in COLUMNS
        if len(pairs := ours.get(column.name, [])) == 1 and not column.find(keys)
        and pairs[0][1] not in parts and not (column is KL and kl_headings.find(keys))
    }  # fmt: skip
    return chosen if any(_SURE.search(name) for name in (*chosen.values(), *_flat(keys))) else {}


def _flat(keys: Collection[str]) -> Iterator[str]:
    """The names that are ours as they are."""
    yield from (key for column in (PROXY, GOLD) if (key := column.find(keys)))


def _is_other(name: str, parts: Sequence[str]) -> bool:
    """Whether a name says of a KL that it is from another policy, or something made of one."""
    words = {word for part in parts for word in kl_headings.words(part)}
    return name == "kl" and bool(words & OTHERS or never("/".join(parts)))


def _of(parts: Sequence[str]) -> tuple[str, str] | None:
    """Our column that the last two parts of a name, or the last, name, and these parts."""
    bare = parts[:-1] if parts[-1].lower() in MEANS and len(parts) > 1 else parts
    for number in (2, 1):
        if kl_headings.stated(said := "/".join(bare[-number:])) is not None:
            return "kl", said
    for number in (2, 1):
        said = "/".join(bare[-number:])
        for name, known in _NAMES.items():
            if folded(said) in known:
                return name, said
    return None
