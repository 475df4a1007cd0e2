"""Our own words at the end of long names: ``metrics.train.reward.proxy`` is the proxy reward."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from data.readers.kl import kl_headings
from data.readers.kl.kl_table import never
from data.readers.names.mapping import GOLD, KL, PROXY, RUN_COLUMNS, STEP, folded

COLUMNS = (PROXY, GOLD, KL, STEP)
_MEASURED = {folded(key): column.name for column in RUN_COLUMNS for key in column.keys}
EVALUATIONS = ("eval", "val", "valid", "validation", "test")
MEANS = frozenset({"mean", "avg", "average", "value"})
"""Last parts that leave what stands before them what it is."""
OTHERS = frozenset({
    "old", "previous", "prev", "teacher", "engine", "vllm", "sampler", "behave", "behavior",
    "behaviour", "approx", "mismatch", "loss", "coef", "coefficient", "penalty", "target",
    "adaptive", "controller", "ema", "max", "min", "std", "actor", "critic", "rollout",
    "penalties", "rewards", "ppo", "gradient", "grad", "early",
})  # fmt: skip
"""Words in the name of a KL that is not the one from the initial policy, or none."""
NEUTRAL = frozenset({
    "train", "training", "trainer", "metric", "metrics", "data", "summary", "summaries", "history",
    "scalar", "scalars", "log", "logs", "values", "latest", "run", "runs", "stats", "statistics",
    "global", "rl", "rlhf", "row", "rows", "params", "curve", "curves", "monitor", "overopt",
    "ref", "reference", "init", "initial", "base", "sft", "to", "vs", "from",
})  # fmt: skip
"""Words before a ``kl`` that leave it ours; before any other it is ours where rewards stand too."""
_SAMPLING = NEUTRAL | {
    "rollout",
    "rollouts",
    "generate",
    "generation",
    "sampling",
    "sample",
    "perf",
    "response",
    "responses",
    "completion",
    "completions",
    "env",
    "policy",
    "actor",
    "tokens",
}
"""Words before the other names that leave them ours."""
EXPORTS = tuple(
    f"{word}{mark}" for word in ("metrics", "metric", "summary", "history", "data", "scalars")
    for mark in "./"
)  # fmt: skip
"""What exports put before the names of what was logged."""
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
        if (
            len(found) > 1
            and (shorter := _of(found)) is not None
            and not _is_other(shorter[0], found)
        ):
            ours.setdefault(shorter[0], []).append((key, shorter[1]))
    rewards = [_around(*pair) for name in (PROXY.name, GOLD.name) for pair in ours.get(name, [])]
    ours["kl"] = [pair for pair in ours.get("kl", []) if _is_plain(*pair, rewards)]
    chosen = {
        pairs[0][0]: pairs[0][1] for column in COLUMNS
        if len(pairs := ours.get(column.name, [])) == 1 and not column.find(keys)
        and pairs[0][1] not in parts and not (column is KL and kl_headings.find(keys))
    }  # fmt: skip
    if not any(_SURE.search(name) for name in (*chosen.values(), *_flat(keys))):
        return {}
    return chosen | _measured(parts)


def _measured(parts: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Long names of what is measured beside rewards and KL, such as ``metrics.response_length``."""
    found: dict[str, dict[str, str]] = {}
    for key, split in parts.items():
        for number in (1, 2):
            ours, above = "/".join(split[-number:]), "/".join(split[:-number])
            column = _MEASURED.get(folded(ours), "")
            if column and above and set(kl_headings.words(above)) <= _SAMPLING:
                found.setdefault(column, {})[key] = ours
    return {
        key: ours
        for column in RUN_COLUMNS
        if len(known := found.get(column.name, {})) == 1 and not column.find(list(parts))
        for key, ours in known.items()
        if ours not in parts
    }


def _flat(keys: Collection[str]) -> Iterator[str]:
    """The names that are ours as they are."""
    yield from (key for column in (PROXY, GOLD) if (key := column.find(keys)))


def export_prefix(keys: Collection[str]) -> str:
    """The word that an export put before every logged name, as MLflow's ``metrics.``; or empty.

    >>> export_prefix(["step", "metrics.kl", "metrics.reward", "params.lr"])
    'metrics.'
    """
    for prefix in EXPORTS:
        under = [key[len(prefix) :] for key in keys if key.startswith(prefix)]
        if len(under) > 1 and all(under) and not set(under) & set(keys):
            return prefix
    return ""


def another_kl(keys: Sequence[str]) -> str | None:
    """The one name that ends in ``kl`` and stands under a word that may be a trainer's.

    >>> another_kl(["step", "objective/kl"]), another_kl(["kl/mean"]), another_kl(["loss/kl"])
    ('objective/kl', 'kl/mean', None)
    """
    found = []
    for key in keys:
        parts = re.split(r"[/.]", key)
        name, _ = _without_mean(parts)
        if len(parts) > 1 and folded(name[-1]) == "kl" and not _is_other("kl", parts):
            found.append(key)
    return found[0] if len(found) == 1 else None


def _without_mean(parts: Sequence[str]) -> tuple[Sequence[str], bool]:
    """Parts of a name without a last one that leaves it what it is, and whether it says mean."""
    last = parts[-1].lower()
    if last not in MEANS or len(parts) == 1:
        return parts, False
    return parts[:-1], last != "value"


def _around(key: str, words: str) -> tuple[str, bool]:
    """What stands before our words in a long name, and whether a mean stands after them."""
    parts, mean = _without_mean(re.split(r"[/.]", key))
    return "/".join(parts[: -1 - words.count("/")]), mean


def _is_plain(key: str, own: str, rewards: Sequence[tuple[str, bool]]) -> bool:
    """Whether a long name of a KL is ours: before it stands what stands before our rewards, or
    nothing but words that leave it ours; a mean after it only where one stands after a reward."""
    if kl_headings.stated(own) is not None:
        return True
    above, mean = _around(key, own)
    if mean and not any(with_mean for _, with_mean in rewards):
        return False
    words = {word for word in kl_headings.words(above) if not word.isdigit()}
    return words <= NEUTRAL or any(above == other for other, _ in rewards)


def _is_other(name: str, parts: Sequence[str]) -> bool:
    """Whether a name says of a KL that it is from another policy, or something made of one."""
    words = {word for part in parts for word in kl_headings.words(part)}
    return name == "kl" and bool(words & OTHERS or never("/".join(parts)))


def _of(parts: Sequence[str]) -> tuple[str, str] | None:
    """Our column that the last two parts of a name, or the last, name, and these parts."""
    bare, _ = _without_mean(parts)
    for number in (2, 1):
        if kl_headings.stated(ending := "/".join(bare[-number:])) is not None:
            return "kl", ending
    for number in (2, 1):
        ending = "/".join(bare[-number:])
        for name, known in _NAMES.items():
            if folded(ending) in known:
                return name, ending
    return None
