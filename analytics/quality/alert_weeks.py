"""Pings in simulated weeks: 200 live runs whose gold never falls, and a few that fall.

Each run starts at its own time, is evaluated at even intervals, and has its e-value after each
evaluation; every hour the runs are tested together as a verdict's readers do (e-BH), and the rules
of alerts decide what pings. An alarm that survives is taken as one that also crossed gold's own
boundary, which a verdict asks besides: so the false pings that are counted are at least as many.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np

from analytics.alerts import ledger as outbox
from analytics.alerts import plan
from analytics.alerts.open_alerts import Alert
from analytics.alerts.rules import Rules, read_rules
from analytics.measured.rows import AlertRow
from analytics.onset.alarm.e_process import log_e
from analytics.onset.alarm.many_runs import survivors
from analytics.onset.evidence.measurements import FloatArray
from analytics.rates import wilson
from analytics.simulated import D_END, HONEST, curve, honest_curve
from analytics.wording import fixed, rate_interval, whole

HEALTHY, FALLING = 200, 5
LOOKS, EVERY_HOURS, HOURS = 41, 8, 168
SE = 0.05
"""Of an evaluation, in units of the gain of a run that falls."""
START = datetime.datetime(2026, 11, 23, 9, tzinfo=datetime.UTC)
GOLD = {"flat": "gold that stays level", "honest": "gold that rises in seven ways"}
_RULES = '[deliver]\nby = "webhook"\nurl = "http://localhost/"\n'
_CAP = _RULES + "[ping]\nmost_per_day = 1000\n"


def measure(weeks: int, seed: int, kinds: Sequence[str] = tuple(GOLD)) -> list[AlertRow]:
    """One row a kind of healthy gold: how many false pings weeks have, and whether falls ping."""
    rules = read_rules(_CAP)
    return [_row(kind, [_week(kind, rules, seed * 100_000 + i) for i in range(weeks)])
            for kind in kinds]  # fmt: skip


def _row(kind: str, weeks: Sequence[tuple[int, int, int]]) -> AlertRow:
    false, seen, fell = (np.array(column) for column in zip(*weeks, strict=True))
    few = int(np.sum(false <= 1))
    low, high = wilson(few, len(weeks))
    return {
        "gold": kind, "words": GOLD[kind], "weeks": len(weeks), "runs": HEALTHY,
        "weeks_at_most_one": few, "share": round(few / len(weeks), 4),
        "low": round(float(low), 4), "high": round(float(high), 4),
        "weeks_without": int(np.sum(false == 0)), "most_in_a_week": int(false.max()),
        "falls_pinged": int(seen.sum()), "falls": int(fell.sum()),
    }  # fmt: skip


def _week(kind: str, rules: Rules, seed: int) -> tuple[int, int, int]:
    """False pings, falling runs that pinged, falling runs whose fall began long enough ago."""
    rng = np.random.default_rng(seed)
    names = [f"healthy{i}" for i in range(HEALTHY)] + [f"falls{i}" for i in range(FALLING)]
    healthy = [_gold(kind, rng) for _ in range(HEALTHY)]
    gold = np.array([*healthy, *[_falling() for _ in range(FALLING)]])
    gold = gold + rng.normal(0.0, SE, gold.shape)
    e_values = np.exp(np.minimum(log_e(_PLACE, gold, np.full(LOOKS, SE)), 600.0))
    begun = rng.uniform(-0.5 * LOOKS * EVERY_HOURS, HOURS, len(names))
    begun[HEALTHY:] = rng.uniform(-0.5 * LOOKS * EVERY_HOURS, 0.0, FALLING)
    pinged = _pinged(names, e_values, begun, rules)
    false = sum(name.startswith("healthy") for name in pinged)
    return false, len(pinged) - false, FALLING


_PLACE = D_END * np.sqrt(np.linspace(0, 1, LOOKS))


def _gold(kind: str, rng: np.random.Generator) -> FloatArray:
    if kind == "flat":
        return np.zeros(LOOKS)
    return honest_curve(HONEST[int(rng.integers(len(HONEST)))], _PLACE, rng)


def _falling() -> FloatArray:
    """Gold that peaks at a third of the way and gives all of its gain away."""
    return curve("tent", _PLACE, D_END / 3, np.random.default_rng(0))


def _pinged(
    names: Sequence[str], e_values: FloatArray, begun: FloatArray, rules: Rules
) -> set[str]:
    """Runs that the rules ping somebody about within the week."""
    ledger, pinged = outbox.fresh(), set()
    for hour in range(HOURS + 1):
        done = np.floor((hour - begun) / EVERY_HOURS).astype(int) + 1
        at = np.clip(done, 0, LOOKS)
        rows = [
            {"run": name, "project": "p", "alarm": {"withdrawn": None},
             "e_value": float(e_values[i, at[i] - 1])}
            for i, name in enumerate(names) if at[i] > 0
        ]  # fmt: skip
        found = [_alert(run) for run in sorted(survivors(rows))]
        many = {name: int(at[i]) for i, name in enumerate(names)}
        now = START + datetime.timedelta(hours=hour)
        plan.look(ledger, found, rules, now, many, dict.fromkeys(names, ""), {})
        pinged |= {one["key"].split("\n")[1] for one in ledger["queue"] if one["level"] == "ping"}
        ledger["queue"].clear()
    return pinged


def _alert(run: str) -> Alert:
    return Alert("alarm", run, "", "", "", "")


def sentence(row: AlertRow) -> str:
    """A row in words."""
    return (
        f"{row['words']}: in {whole(row['weeks_at_most_one'])} of {whole(row['weeks'])} weeks of "
        f"{whole(row['runs'])} healthy live runs at most one false ping "
        f"({rate_interval(row['share'], row['low'], row['high'])}, 95 %), in "
        f"{whole(row['weeks_without'])} none, at most {whole(row['most_in_a_week'])} in a week; of "
        f"{whole(row['falls'])} runs among them that fall {whole(row['falls_pinged'])} pinged "
        f"(share {fixed(row['falls_pinged'] / max(row['falls'], 1), 2)})"
    )
