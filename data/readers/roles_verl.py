"""Proxy and gold in verl's validation metrics: ``val-core/<data source>/<key>/mean@N``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_MEAN = re.compile(r"val-(core|aux)/(.+)/([^/]+)/mean@\d+")


@dataclass
class Validation:
    """What verl's validation measures, by our roles."""

    gold: str | None = None
    proxy: str | None = None  # the reward that is optimised, on the validation prompts
    candidates: list[str] = field(default_factory=list)


def validation_roles(keys: Sequence[str]) -> Validation:
    """Gold and proxy among verl's validation keys.

    A key with ``gold`` in its name is gold, else ``acc``, which verl's reward functions use for
    the verifier's answer; ``reward`` is the proxy. Where several data sources have one, none is
    chosen and all are candidates.

    >>> validation_roles(["val-core/math/acc/mean@1", "val-aux/math/reward/mean@1"])
    Validation(gold='val-core/math/acc/mean@1', proxy='val-aux/math/reward/mean@1', candidates=[])
    """
    means = [(match.group(3), key) for key in keys if (match := _MEAN.fullmatch(key))]
    named = [key for name, key in means if "gold" in name.lower()]
    golds = named or [key for name, key in means if name == "acc"]
    proxies = [key for name, key in means if name == "reward"]
    found = Validation(proxy=proxies[0] if len(proxies) == 1 else None)
    if len(golds) == 1:
        found.gold = golds[0]
    else:
        found.candidates = sorted(golds)
    return found
