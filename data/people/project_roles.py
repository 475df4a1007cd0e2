"""Which logged key is proxy and which is gold in a project: said once, kept, and applied.

A choice is a segment like every other change, so it survives a crash and is rebuilt from the
archive. It re-reads what the store has of the project, and holds for what is imported later;
what an import states itself (``--gold KEY``) wins there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from data import spool
from data.columns import LogError, ReadOptions
from data.database.any_store import AnyStore
from data.database.results import RunResult
from data.database.sql import StoreError
from data.readers.kl.kl_stated import check_options
from data.readers.kl.kl_table import LOSS_TERM
from data.readers.meaning import grade_maps
from data.readers.meaning.roles import function_of
from data.readers.trainers.known import INCLUDE_KL, why_not
from data.roles.kl_units import UnitEvidence, evidence
from data.roles.stated_roles import Roles
from data.rows.run_rows import KL_AS_READ, RAW, logged

_KL = re.compile(r"(^|[^a-z])kl([^a-z]|$)")
_REWARD = ("reward", "score", "gold", "acc", "win", "pass", "correct", "verif", "judge", "success")


def chosen(store: AnyStore) -> dict[str, Roles]:
    """The roles of every project for which somebody said any."""
    rows = store.query("project_roles").iter_rows(named=True)
    return {row.pop("project"): Roles(**row) for row in rows}


def logged_keys(store: AnyStore, project: str) -> list[str]:
    """Every key that some run of the project logs, those that look like rewards first."""
    stored = store.query("project_keys", project=project)["key"].to_list()
    keys = {logged(key) for key in stored if key not in (KL_AS_READ, RAW)}
    for text in store.query("runs", project=project, runs=None)["facts"]:
        facts = json.loads(text)
        names = ("proxy_key", "gold_key", "kl_key", "length_key")
        keys |= {facts[name] for name in names if facts.get(name)}
    return sorted(keys, key=lambda key: (not any(w in key.lower() for w in _REWARD), key))


def proxy_keys(keys: list[str]) -> list[str]:
    """The keys that may be the proxy: never a reward from which a KL penalty is taken."""
    return [key for key in keys if key not in INCLUDE_KL and not is_kl(key)]


def kl_keys(keys: list[str]) -> list[str]:
    """The keys that may be the KL from the initial policy: never one to another policy.

    Those that are by their name some KL stand first.
    """
    return sorted((key for key in keys if not why_not(key)), key=lambda key: not is_kl(key))


def penalties(keys: Sequence[str]) -> list[str]:
    """The keys that are a KL times a coefficient, which gives the KL once it is said."""
    return [key for key in keys if why_not(key) == LOSS_TERM]


def is_kl(key: str) -> bool:
    """Whether a key is, by its name, some KL."""
    return _KL.search(key.lower()) is not None


def check_roles(store: AnyStore, project: str, roles: Roles) -> None:
    """Refuse a choice that could not hold.

    Raises:
        LogError: the project is unknown, a key is logged by none of its runs, includes a KL
            penalty or is no KL from the initial policy, or a unit or estimator is unknown.
    """
    stated: dict[str, Any] = roles.to_dict()
    check_options(ReadOptions(**stated))
    grade_maps.parsed(roles.grade_map)
    if store.query("runs", project=project, runs=None).is_empty():
        names = sorted(set(store.query("runs", project=None, runs=None)["project"]))
        raise LogError(f"there is no project {project!r}; there are: {', '.join(names) or 'none'}")
    keys = logged_keys(store, project)
    known = {*keys, *(function_of(key) for key in keys)}
    for name, key in (
        ("proxy", roles.proxy), ("gold", roles.gold), ("KL", roles.kl), ("length", roles.length),
        ("gold", roles.lower_is_better),
    ):  # fmt: skip
        if key is not None and key not in known:
            there = ", ".join(keys[:60])
            raise LogError(f"no run of {project} logs {key} as {name}; logged are: {there}")
    if roles.proxy in INCLUDE_KL:
        raise LogError(f"{roles.proxy} includes the KL penalty, so it cannot be the proxy")
    gold = {roles.gold, roles.lower_is_better} - {None}
    named_keys = [key for key in (roles.proxy, *gold, roles.kl, roles.length) if key is not None]
    if len(set(named_keys)) < len(named_keys):
        twice = next(key for key in named_keys if named_keys.count(key) > 1)
        raise LogError(f"{twice} cannot be proxy, gold, KL or length at once")
    if is_kl_too := [key for key in named_keys if key != roles.kl and is_kl(key)]:
        raise LogError(f"{is_kl_too[0]} is a KL by its name, so it is no reward and no length")
    if roles.kl is not None and (what := why_not(roles.kl)):
        if what == LOSS_TERM and roles.kl_coefficient:
            return
        raise LogError(f"{roles.kl} is {what}, so it cannot be the KL from the initial policy")


def save(
    store: AnyStore, project: str, roles: Roles, mend: bool = False
) -> list[RunResult]:  # fmt: skip
    """Keep a choice, even one that leaves all as recognised: the project was asked then.

    ``mend``: what it says of the KL also holds for runs whose import stated another unit, and for
    plain tables whose ``kl`` was taken for nats per response. Returns the runs that changed.

    Raises:
        LogError: the choice could not hold (``check_roles``).
        StoreError: the store did not take it in.
    """
    check_roles(store, project, roles)
    return _brought(store, spool.write_roles(store.home, project, roles.to_dict(), mend=mend))


def reset(store: AnyStore, project: str) -> list[RunResult]:
    """Forget a project's choice: all is as recognised again. Returns the runs that changed.

    Raises:
        StoreError: the store did not take it in.
    """
    name = spool.write_roles(store.home, project, Roles().to_dict(), forget=True)
    return _brought(store, name)


def _brought(store: AnyStore, segment: str) -> list[RunResult]:
    store.drain()
    results = store.results([segment])
    if not results:
        raise StoreError(f"the choice waits in the inbox of {store.home}: it is tried again later")
    return list(results[0]["runs"])


def unit_evidence(store: AnyStore, project: str) -> tuple[str, UnitEvidence] | None:
    """What the numbers say of the unit of a project's KL: of its longest run whose unit is unknown.

    Returns the run and the evidence; None where no unit is unknown.
    """
    runs = store.query("runs", project=project, runs=None).sort("points", descending=True)
    for run, text in runs.select("run_id", "facts").iter_rows():
        if json.loads(text).get("kl_conversion") == "unknown":
            rows = store.query("metrics", runs=[run], until=None).filter(pl.col("phase") == "train")
            return run, evidence(rows["kl"], rows["response_length"], rows["proxy_reward"])
    return None


def open_questions(
    runs: Iterable[Mapping[str, Any]], stated: Mapping[str, Roles]
) -> dict[str, list[str]]:
    """The projects of which something is not known, with what that is; asked once.

    Args:
        runs: rows of ``check``: project, points, proxy_key, gold_key, gold_evaluations,
            kl_conversion.
        stated: projects for which somebody has answered.
    """
    found: dict[str, set[str]] = {}
    for run in runs:
        if not run["points"] or run["project"] in stated:
            continue
        missing = found.setdefault(run["project"], set())
        if run["proxy_key"] is None:
            missing.add("which key is the proxy reward")
        if run["gold_key"] is None and not run["gold_evaluations"]:
            missing.add("which key is the gold reward")
        if run["kl_conversion"] == "unknown":
            missing.add("the unit of the KL")
    return {project: sorted(missing) for project, missing in found.items() if missing}
