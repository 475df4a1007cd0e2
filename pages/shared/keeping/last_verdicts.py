"""The last verdict of every run, read and parsed again only where it was kept anew.

Of hundreds of growing runs several verdicts are kept every second, and every page that is open
asks after each.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from analytics.onset.evidence.verdict_keys import VerdictRow
from data.database.kept_verdicts import kept_rows
from data.store import Store
from pages.shared.keeping import judging


class ShownVerdict(VerdictRow):
    """A kept verdict; updating: newer rows wait for one; looks_rows: its groups, as JSON."""

    updating: bool
    looks_rows: str


class _ReadVerdict(NamedTuple):
    """When a run's verdict was kept, by which method and of which rows, and its JSON."""

    change: int
    of: tuple[str, int] | None
    verdict: dict[str, object]


@dataclass
class _Read:
    """What was read of one open store, by run."""

    store: Store
    rows: dict[str, _ReadVerdict] = field(default_factory=dict)


_lock = threading.Lock()
_last_read: list[_Read] = []


def last_verdicts(store: Store, generations: Mapping[str, int]) -> dict[str, ShownVerdict]:
    """Verdicts by run_id of those that have one, nowhere frozen and by the default gold.

    Args:
        store: the open store.
        generations: of each run of it, when its rows last changed.

    Returns:
        Rows that nobody may change; `updating` where newer rows or a newer method wait for one.
    """
    method = judging.method()
    with _lock:
        if not _last_read or _last_read[0].store is not store:
            _last_read[:] = [_Read(store)]
        rows = _last_read[0].rows
        saved = {run: store.verdict_change(run) for run in generations}
        anew = [run for run, at in saved.items() if run not in rows or rows[run].change != at]
        if anew:
            rows |= {run: _ReadVerdict(saved[run], None, {}) for run in anew}
            for kept in kept_rows(store, method, anew).iter_rows(named=True):
                verdict = json.loads(kept["verdict"]) | {"looks_rows": kept["looks"]}
                of = kept["method"], kept["generation"]
                rows[kept["run_id"]] = _ReadVerdict(saved[kept["run_id"]], of, verdict)
        known = {run: rows[run] for run in generations}
    return {
        run: cast("ShownVerdict", one.verdict | {"updating": one.of != (method, generations[run])})
        for run, one in known.items()
        if one.of is not None
    }
