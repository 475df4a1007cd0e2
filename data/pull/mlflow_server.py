"""The questions that a pull asks of an MLflow tracking server (REST API 2.0)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from data.declared.foreign import JsonObject
from data.pull.asking import Asking
from data.pull.outcome import NotThere, PullError
from data.readers.trackers.mlflow import TABLES_TAG

API = "/api/2.0/mlflow"
RUNS_A_PAGE = 500
POINTS_A_PAGE = 25_000  # as many as MLflow's own client asks for

Point = tuple[int, int, float]
"""Time in ms since 1970, step, value."""


@dataclass(frozen=True)
class RemoteRun:
    """A run of MLflow; ``latest`` holds the last point of each metric, which tells what is new."""

    id: str
    name: str
    started: int
    status: str
    deleted: bool
    latest: dict[str, Point]
    params: dict[str, str]
    tables: str  # the tag that names its logged tables


@dataclass
class Page:
    """Points of one metric, with the token that asked for them."""

    token: str
    points: list[Point] = field(default_factory=list)


def experiment(asking: Asking, named: str) -> tuple[str, str]:
    """Number and name of an experiment, given by either.

    Raises:
        NotThere: the server knows neither.
    """
    try:
        found = asking.get(f"{API}/experiments/get-by-name", {"experiment_name": named})
    except NotThere:
        if not named.isdigit():
            raise NotThere(f"{asking.address} has no experiment called {named}") from None
        found = asking.get(f"{API}/experiments/get", {"experiment_id": named})
    answer = found.get("experiment") or {}
    if not answer.get("experiment_id"):
        raise PullError(f"{asking.address} does not say the number of the experiment {named}")
    return str(answer["experiment_id"]), str(answer.get("name") or named)


def runs(asking: Asking, number: str) -> Iterator[RemoteRun]:
    """The runs of an experiment that are not deleted, the first begun first."""
    token = ""
    while True:
        asked: dict[str, object] = {
            "experiment_ids": [number], "max_results": RUNS_A_PAGE,
            "run_view_type": "ACTIVE_ONLY", "order_by": ["attributes.start_time ASC"],
        }  # fmt: skip
        found = asking.post(f"{API}/runs/search", asked | ({"page_token": token} if token else {}))
        yield from (_run(one) for one in found.get("runs") or [])
        token = str(found.get("next_page_token") or "")
        if not token:
            return


def run(asking: Asking, run_id: str) -> RemoteRun:
    """The run of an id; a deleted one is found too.

    Raises:
        NotThere: there is none.
    """
    return _run(asking.get(f"{API}/runs/get", {"run_id": run_id}).get("run") or {})


def history(asking: Asking, run_id: str, key: str, token: str = "") -> Iterator[Page]:
    """The points of a metric in the order of their time, from a page's token on."""
    while True:
        asked = {"run_id": run_id, "metric_key": key, "max_results": POINTS_A_PAGE}
        found = asking.get(
            f"{API}/metrics/get-history", asked | ({"page_token": token} if token else {})
        )
        yield Page(token, [_point(metric) for metric in found.get("metrics") or []])
        following = str(found.get("next_page_token") or "")
        if not following or following == token:
            return
        token = following


def artifact(asking: Asking, run_id: str, path: str) -> bytes:
    """The bytes of an artifact, through the server."""
    return asking.fetch("/get-artifact", {"path": path, "run_uuid": run_id})


def _run(run: JsonObject) -> RemoteRun:
    info, data = run.get("info") or {}, run.get("data") or {}
    tags = {str(tag.get("key")): tag.get("value") for tag in data.get("tags") or []}
    run_id = str(info.get("run_id") or info.get("run_uuid") or "")
    return RemoteRun(
        id=run_id,
        name=str(info.get("run_name") or tags.get("mlflow.runName") or run_id),
        started=int(info.get("start_time") or 0),
        status=str(info.get("status") or ""),
        deleted=info.get("lifecycle_stage") == "deleted",
        latest={str(one.get("key")): _point(one) for one in data.get("metrics") or []},
        tables=str(tags.get(TABLES_TAG) or ""),
        params={str(one.get("key")): str(one.get("value")) for one in data.get("params") or []},
    )


def _point(metric: JsonObject) -> Point:
    """A point; JSON has no word for NaN and infinity, so the server writes them as text."""
    value = metric.get("value")
    return (
        int(metric.get("timestamp") or 0),
        int(metric.get("step") or 0),
        float("nan") if value is None else float(value),
    )
