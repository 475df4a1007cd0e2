"""The last verdict of every run, read and parsed again only where it was kept anew.

Of hundreds of growing runs several verdicts are kept every second, and every page that is open
asks after each.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from data.database.kept_verdicts import kept_rows
from data.store import Store
from pages.shared.keeping import judging

Row = dict[str, Any]
"""A verdict as its JSON says it, with `looks_rows` and `updating`."""


@dataclass
class _Read:
    """What was read of one open store: by run, when its verdict was kept, of what, and the row."""

    store: Store
    rows: dict[str, tuple[int, tuple[str, int] | None, Row]] = field(default_factory=dict)


_lock = threading.Lock()
_held: list[_Read] = []


def last_verdicts(store: Store, generations: Mapping[str, int]) -> dict[str, Row]:
    """Verdicts by run_id of those that have one, nowhere frozen and by the default gold.

    Args:
        store: the open store.
        generations: of each run of it, when its rows last changed.

    Returns:
        Rows that nobody may change; `updating` where newer rows or a newer method wait for one.
    """
    method = judging.method()
    with _lock:
        if not _held or _held[0].store is not store:
            _held[:] = [_Read(store)]
        rows = _held[0].rows
        saved = {run: store.verdict_change(run) for run in generations}
        anew = [run for run, when in saved.items() if run not in rows or rows[run][0] != when]
        if anew:
            rows |= {run: (saved[run], None, {}) for run in anew}
            for kept in kept_rows(store, method, anew).iter_rows(named=True):
                verdict = json.loads(kept["verdict"]) | {"looks_rows": kept["looks"]}
                rows[kept["run_id"]] = (
                    saved[kept["run_id"]], (kept["method"], kept["generation"]), verdict
                )  # fmt: skip
        known = {run: rows[run] for run in generations}
    return {
        run: verdict | {"updating": of != (method, generations[run])}
        for run, (_, of, verdict) in known.items()
        if of is not None
    }
