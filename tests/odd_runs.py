"""Logs that are read without a word and are hard to draw, one kind a run, beside a healthy one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import polars as pl

Columns = dict[str, list[object]]

HEALTHY = "healthy"
ROWS = 60
LONG_NAME = "n" * 500
LONG_KEY = "k" * 5_000


def healthy(rows: int = ROWS) -> Columns:
    """A run whose gold rises, peaks and falls, with everything logged."""
    t = np.arange(rows)
    wave = np.sin(t * 1.7)
    return {
        "step": t.tolist(), "kl": (t * 0.5).tolist(), "proxy_reward": (t / 20 + wave / 9).tolist(),
        "gold_reward": (np.sqrt(t / 5) - t / 25 + wave / 40).tolist(),
        "gold_reward_se": [0.05] * rows, "response_length": (80 + t).tolist(),
        "entropy": (2 - t / 90).tolist(), "rewards/helpful/mean": (t / 30).tolist(),
    }  # fmt: skip


def _with(**columns: list[object] | Callable[[int], object]) -> Columns:
    """The healthy run with some columns given as a list or as a function of the row."""
    made = healthy()
    for name, values in columns.items():
        made[name] = [values(row) for row in range(ROWS)] if callable(values) else values
    return made


def _without(*names: str) -> Columns:
    return {name: values for name, values in healthy().items() if name not in names}


def _rows(count: int) -> Columns:
    return {name: values[:count] for name, values in healthy().items()}


def _only(value: float | None) -> Columns:
    measures = ("kl", "proxy_reward", "gold_reward", "response_length", "entropy",
                "rewards/helpful/mean")  # fmt: skip
    return {"step": list(range(ROWS)), **{name: [value] * ROWS for name in measures}}


KINDS: Mapping[str, Columns] = {
    "kl and proxy take turns": _with(
        kl=lambda i: i * 0.5 if i % 2 else None,
        proxy_reward=lambda i: None if i % 2 else i / 20,
    ),
    "kl and gold take turns": _with(
        kl=lambda i: i * 0.5 if i % 2 else None,
        gold_reward=lambda i: None if i % 2 else math.sqrt(i),
    ),
    "kl in the first row only": _with(kl=lambda i: None if i else 0.5),
    "kl in the last row only": _with(kl=lambda i: 9.0 if i == ROWS - 1 else None),
    "gold after kl stopped": _with(
        kl=lambda i: i * 0.5 if i < 20 else None,
        gold_reward=lambda i: None if i < 25 else math.sqrt(i),
    ),
    "gold before kl began": _with(
        kl=lambda i: None if i < 40 else i * 0.5,
        gold_reward=lambda i: math.sqrt(i) if i < 30 else None,
    ),
    "everything 1e308": _only(1e308),
    "everything minus 1e308": _only(-1e308),
    "rewards of 1e308": _with(
        proxy_reward=lambda i: (-1.0) ** i * 1e308, gold_reward=lambda i: (-1.0) ** i * 1.7e308
    ),
    "kl of 1e308": _with(kl=lambda i: 1e308 if i == 30 else i * 0.5),
    "kl of 1e40": _with(kl=lambda i: i * 1e40),
    "errors of 1e308": _with(gold_reward_se=[1e308] * ROWS),
    "errors of 0": _with(gold_reward_se=[0.0] * ROWS),
    "errors below 0": _with(gold_reward_se=[-1.0] * ROWS),
    "kl below 0": _with(kl=lambda i: -i * 0.5),
    "kl around 0": _with(kl=lambda i: math.sin(i) / 100),
    "kl of 1e-300": _with(kl=lambda i: i * 1e-300),
    "kl always 0": _with(kl=[0.0] * ROWS),
    "kl all null": _with(kl=[None] * ROWS),
    "proxy all null": _with(proxy_reward=[None] * ROWS),
    "gold all null": _with(gold_reward=[None] * ROWS),
    "no kl": _without("kl"),
    "no proxy": _without("proxy_reward"),
    "no gold": _without("gold_reward", "gold_reward_se"),
    "gold alone": {name: healthy()[name] for name in ("step", "gold_reward")},
    "kl alone": {name: healthy()[name] for name in ("step", "kl")},
    "constant": _only(1.0),
    "all 0": _only(0.0),
    "one row": _rows(1),
    "two rows": _rows(2),
    "three rows": _rows(3),
    "one row of gold": _with(gold_reward=lambda i: 1.0 if i == 30 else None),
    "one row of proxy": _with(proxy_reward=lambda i: 1.0 if i == 30 else None),
    "nan proxy": _with(proxy_reward=[math.nan] * ROWS),
    "nan gold here and there": _with(gold_reward=lambda i: math.nan if i % 3 else math.sqrt(i)),
    "infinite scalars": _with(**{"rewards/helpful/mean": [math.inf, -math.inf] * (ROWS // 2)}),
    "infinite everything": _only(math.inf),
    "infinite kl at the end": _with(kl=lambda i: math.inf if i > 50 else i * 0.5),
    "scalars of 1e308": _with(**{"rewards/helpful/mean": [1e308, -1e308] * (ROWS // 2)}),
    "steps beyond 2^53": _with(step=[2**53 + 2 * i + 1 for i in range(ROWS)]),
    "steps near 2^63": _with(step=[2**63 - 1 - ROWS + i for i in range(ROWS)]),
    "steps a million apart": _with(step=[10**6 * i for i in range(ROWS)]),
    "steps far apart at the end": _with(step=[*range(ROWS - 1), 10**12]),
    "steps below 0": _with(step=[i - 30 for i in range(ROWS)]),
    "spreads of 1e308": _with(proxy_reward_sd=[1e308] * ROWS, gold_reward_sd=[1e308] * ROWS),
    "spreads of 0": _with(proxy_reward_sd=[0.0] * ROWS, gold_reward_sd=[0.0] * ROWS),
    "spreads of 1e-300": _with(proxy_reward_sd=[1e-300] * ROWS, gold_reward_sd=[1e-300] * ROWS),
    "entropy of 1e308": _with(entropy=[1e308] * ROWS),
    "responses without number": _with(n_responses=[0.0] * ROWS),
    "lengths of 1e308": _with(response_length=[1e308] * ROWS),
    "lengths below 0": _with(response_length=[-5.0] * ROWS),
    "tiny gold": _with(gold_reward=lambda i: math.sin(i) * 1e-300),
    "gold of one huge value": _with(gold_reward=lambda i: 1e300 if i == 30 else math.sqrt(i)),
    "a long key": _with(**{LONG_KEY: [float(i) for i in range(ROWS)]}),
    "a key of one blank": _with(**{" ": [float(i) for i in range(ROWS)]}),
    "<script>alert('&%{x}')</script>": healthy(),
    "Healthy": healthy(),
    "HEALTHY": healthy(),
    " ": healthy(),
    "": healthy(),
    LONG_NAME: healthy(),
    "two\nlines\tand\u202e a turn": healthy(),
}
"""The columns of each odd run, by a name that says what is odd."""


def write(folder: Path, kinds: Mapping[str, Columns] = KINDS) -> list[Path]:
    """One Parquet table a run, the healthy one first."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, (name, columns) in enumerate({HEALTHY: healthy(), **kinds}.items()):
        floats = [c for c in columns if c != "step"]
        frame = pl.DataFrame(
            columns, schema_overrides=dict.fromkeys(floats, pl.Float64), strict=False
        )
        path = folder / f"{number:02d}.parquet"
        frame.select(pl.lit(name).alias("run_id"), pl.all()).write_parquet(path)
        paths.append(path)
    return paths
