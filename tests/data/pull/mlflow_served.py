"""A server that answers as MLflow's tracking server does (REST 2.0), made of a store it wrote."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.readers.raw.texts import plain_yaml
from tests.data.pull.served import Answer, Served

API = "/api/2.0/mlflow/"
PAGE = 2
"""Points in a page: few, so that every history has several."""


@dataclass
class KeptRun:
    """A run as the server keeps it: the points of each metric in the order of time."""

    id: str
    name: str
    start: int
    metrics: dict[str, list[dict[str, Any]]]
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, bytes] = field(default_factory=dict)
    status: str = "FINISHED"
    stage: str = "active"
    experiment: str = "1"

    def answer(self) -> dict[str, Any]:
        info = {"run_id": self.id, "run_uuid": self.id, "run_name": self.name,
                "experiment_id": self.experiment, "status": self.status,
                "start_time": self.start, "lifecycle_stage": self.stage}  # fmt: skip
        latest = [{"key": key, **points[-1]} for key, points in self.metrics.items() if points]
        data = {"metrics": latest, "params": _pairs(self.params), "tags": _pairs(self.tags)}
        return {"info": info, "data": data}


class MlflowServed(Served):
    """One experiment, ``lab``, of number 1; requests are named by the last two parts of the API."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: dict[str, KeptRun] = {}

    def named(self, path: str, given: dict[str, Any]) -> str:
        name = path.removeprefix(API).removeprefix("/")
        return f"{name} {given.get('metric_key', '')}".strip()

    def answer(self, path: str, given: dict[str, Any]) -> Answer:
        what = path.removeprefix(API)
        run = self.runs.get(given.get("run_id", given.get("run_uuid", "")))
        if what in ("experiments/get-by-name", "experiments/get"):
            known = given.get("experiment_name") == "lab" or given.get("experiment_id") == "1"
            return _found({"experiment": {"experiment_id": "1", "name": "lab"}} if known else None)
        if what == "runs/search":
            return Answer(self._search(given))
        if what == "runs/get":
            return _found(run and {"run": run.answer()})
        if what == "metrics/get-history":
            return _found(run and _history(run.metrics[given["metric_key"]], given))
        if path == "/get-artifact" and run and given["path"] in run.artifacts:
            return Answer(run.artifacts[given["path"]])
        return _found(None)

    def _search(self, given: dict[str, Any]) -> dict[str, Any]:
        runs = [run for run in self.runs.values() if run.experiment in given["experiment_ids"]]
        runs = sorted((run for run in runs if run.stage == "active"), key=lambda run: run.start)
        start = int(given.get("page_token") or 0)
        page = runs[start : start + PAGE]
        token = {"next_page_token": str(start + PAGE)} if start + PAGE < len(runs) else {}
        return {"runs": [run.answer() for run in page]} | token


def _history(points: list[dict[str, Any]], given: dict[str, Any]) -> dict[str, Any]:
    start = int(given.get("page_token") or 0)
    token = {"next_page_token": str(start + PAGE)} if start + PAGE < len(points) else {}
    return {"metrics": points[start : start + PAGE]} | token


def _found(body: dict[str, Any] | None) -> Answer:
    if body is None:
        return Answer({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "it is not here"}, 404)
    return Answer(body)


def _pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def kept_runs(store: Path) -> dict[str, KeptRun]:
    """The runs of a file store, as a server would answer about them."""
    runs = {}
    for metrics in store.rglob("metrics"):
        folder = metrics.parent
        meta = plain_yaml((folder / "meta.yaml").read_text())
        runs[meta["run_id"]] = KeptRun(
            id=meta["run_id"], name=meta["run_name"], start=int(meta["start_time"]),
            metrics={key: _points(text) for key, text in _files(folder / "metrics").items()},
            params=_files(folder / "params"), tags=_files(folder / "tags"),
            stage=meta["lifecycle_stage"],
            artifacts={k: v.encode() for k, v in _files(folder / "artifacts").items()},
        )  # fmt: skip
    return runs


def _points(text: str) -> list[dict[str, Any]]:
    rows = [line.split()[:3] for line in text.splitlines()]
    points = [
        {"timestamp": int(at), "step": int(step), "value": _number(value)}
        for at, value, step in rows
    ]
    return sorted(points, key=lambda point: (point["timestamp"], point["step"]))


def _number(value: str) -> float | str:
    """JSON has no word for NaN: the server writes it as text."""
    return "NaN" if value.lower() == "nan" else float(value)


def _files(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}
