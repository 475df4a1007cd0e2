"""The trainings of the set: every one of them, in the order in which they are run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from bench.real_runs.training import Plan, Proxy

PROXIES = {
    "good": (16_000, 0.10, 0.0, 0.7),
    "clean": (16_000, 0.00, 0.0, 1.0),
    "medium": (3_000, 0.15, 0.0, 0.4),
    "few": (500, 0.20, 0.0, 0.0),
    "shortcut": (4_000, 0.15, 0.5, 0.3),
}
"""pairs, flips, shortcut, covers: see `Proxy`."""
TRAININGS: dict[str, list[tuple[str, float, float | None, int]]] = {
    "good": [
        ("grpo", 0.6, None, 80), ("reinforce", 0.3, None, 80), ("best_of_n", 0.0, None, 36),
        ("grpo", 0.02, None, 120),
    ],
    "clean": [
        ("grpo", 0.4, None, 80), ("reinforce", 0.6, None, 80), ("grpo", 0.1, None, 40),
        ("reinforce", 0.05, 0.8, 120),
    ],
    "medium": [
        ("grpo", 0.6, None, 80), ("grpo", 0.05, None, 100), ("best_of_n", 0.0, None, 30),
        ("reinforce", 0.02, None, 90),
    ],
    "few": [
        ("grpo", 0.8, None, 80), ("reinforce", 0.05, None, 80), ("grpo", 0.05, None, 16),
        ("grpo", 0.03, 0.8, 100),
    ],
    "shortcut": [
        ("grpo", 0.8, None, 60), ("grpo", 0.03, None, 80), ("reinforce", 0.03, None, 14),
        ("best_of_n", 0.0, None, 60),
    ],
}  # fmt: skip
"""By the proxy's kind: method, kl, kl_late, steps."""
FURTHER = {
    "few": ("grpo", 0.0, None, 70),
    "medium": ("grpo", 0.0, None, 140),
}  # fmt: skip
"""One more of each world, after the rest: no penalty at all."""
WORLDS, LATER = range(1, 7), range(7, 9)
"""Later worlds came when 0 of 62 healthy runs were too few to show an error rate of 5 %: all of
their trainings, settled before any was run."""
LARGE = (5, 6)
"""Worlds whose policies have two layers of width 48 instead of one of width 32."""


def plans() -> Iterator[Plan]:
    """All trainings; a name says world, proxy, method and number."""
    seed = count(1)
    for world in WORLDS:
        for kind, trainings in TRAININGS.items():
            for training in trainings:
                yield plan(next(seed), world, kind, *training)
    for world in WORLDS:
        for kind, training in FURTHER.items():
            yield plan(next(seed), world, kind, *training)
    for world in LATER:
        for kind, trainings in TRAININGS.items():
            for training in trainings:
                yield plan(next(seed), world, kind, *training)


def plan(
    seed: int, world: int, kind: str, method: str, kl: float, kl_late: float | None, steps: int
) -> Plan:
    """One training: what its world and the kind of its proxy settle is filled in."""
    width, layers = (48, 2) if world in LARGE else (32, 1)
    proxy = Proxy(10 * world + 1 + list(PROXIES).index(kind), *PROXIES[kind])
    return Plan(
        f"w{world}-{kind}-{method}-{seed:03d}", seed, world, width, layers, proxy, method, kl,
        kl_late, 1e-3, steps, 17 if steps >= 60 else 13, seed % 2 == 0,
    )  # fmt: skip
