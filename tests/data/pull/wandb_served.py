"""A server that answers W&B's own client as theirs does: GraphQL, and files by address.

It knows the questions that wandb 0.31's ``Api`` asks of a project, its runs, their history and
their files; the answers are made of offline runs that wandb itself wrote.
"""

from __future__ import annotations

import io
import json
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.readers.trackers.wandb import _Head, _history, _records
from tests.data.pull.served import Answer, Refusal, Served

EXPORT = "history.parquet"
_OPERATION = re.compile(r"\b(?:query|mutation)\s+(\w+)")


_VIEWER = {"id": "u", "entity": "lab", "username": "a", "email": "a@b", "flags": "{}",
           "teams": {"edges": []}}  # fmt: skip


@dataclass
class KeptRun:
    """A run as the server keeps it."""

    id: str
    name: str
    config: dict[str, Any]
    history: list[dict[str, Any]]
    created: float = 1_795_438_403.0
    state: str = "finished"
    files: dict[str, bytes] = field(default_factory=dict)
    exported: int = 0  # log calls that the server has moved into a Parquet file

    def export(self) -> bytes:
        """The exported log calls: a column a key, null where it was not logged."""
        rows = [{key: math.nan if value == "NaN" else value for key, value in row.items()}
                for row in self.history[: self.exported]]  # fmt: skip
        keys = dict.fromkeys(key for row in rows for key in row)
        table = pa.table({key: [row.get(key) for row in rows] for key in keys})
        with io.BytesIO() as file:
            pq.write_table(table, file)
            return file.getvalue()

    def node(self) -> dict[str, Any]:
        at = datetime.fromtimestamp(self.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "id": f"storage-{self.id}", "name": self.id, "displayName": self.name, "tags": [],
            "state": self.state, "sweepName": None, "group": None, "jobType": None, "commit": None,
            "config": json.dumps({key: {"value": value} for key, value in self.config.items()}),
            "readOnly": False, "createdAt": at, "heartbeatAt": at, "description": None,
            "notes": None, "systemMetrics": "{}", "summaryMetrics": "{}", "projectId": "7",
            "historyLineCount": len(self.history), "user": {"name": "a", "username": "a"},
            "historyKeys": {"lastStep": self.last_step(), "keys": {}},
        }  # fmt: skip

    def last_step(self) -> int:
        return max((row["_step"] for row in self.history), default=-1)


class WandbServed(Served):
    """One project, ``lab/field``; requests are named by their operation, or ``file``."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: dict[str, KeptRun] = {}

    def named(self, path: str, given: dict[str, Any]) -> str:
        found = _OPERATION.search(str(given.get("query", "")))
        return found.group(1) if found else "file" if path.startswith("/files/") else path

    def refuse_page(self, first: int) -> None:
        """Refuse, until ``refusals`` is cleared, the pages of a history that begin at a row."""
        self.refusals = [Refusal(f"HistoryPage {first}", 429, 99, {"Retry-After": "0"})]

    def refused(self, name: str, given: dict[str, Any]) -> Refusal | None:
        """A page of a history is known by its first row too."""
        first = (given.get("variables") or {}).get("minStep")
        return super().refused(name if first is None else f"{name} {first}", given)

    def answer(self, path: str, given: dict[str, Any]) -> Answer:
        if path.startswith("/files/"):
            _, _, run, name = path.split("/", 3)
            kept = self.runs.get(run)
            body = kept and (kept.export() if name == EXPORT else kept.files.get(name))
            return Answer(body or b"", 200 if body else 404)
        name, asked = self.named(path, given), given.get("variables") or {}
        if name in ("Viewer", "GetDefaultEntity"):
            return Answer({"data": {"viewer": _VIEWER}})
        if "project" not in asked and "projectName" not in asked:
            return Answer({"data": {}})
        if (asked.get("entity"), asked.get("project")) != ("lab", "field"):
            return Answer({"data": {"project": None}})
        return Answer({"data": {"project": self._project(name, asked)}})

    def _project(self, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        if name == "Runs":
            return self._page(asked)
        run = self.runs.get(asked.get("runName") or asked.get("run") or asked.get("name", ""))
        if run is None:
            return {"internalId": "7", "run": None}
        if name == "RunParquetHistory":
            urls = [f"{self.url}/files/{run.id}/{EXPORT}"] if run.exported else []
            live = [{"_step": row["_step"]} for row in run.history[run.exported :][:1]]
            return {"run": {"parquetHistory": {"parquetUrls": urls, "liveData": live}}}
        if name == "HistoryPage":
            low, high = asked["minStep"], asked["maxStep"]
            live = run.history[run.exported :]
            rows = [row for row in live if low <= row["_step"] < high]
            return {"run": {"history": [json.dumps(row) for row in rows[: asked["pageSize"]]]}}
        if name == "RunFiles":
            names = asked.get("fileNames") or list(run.files)
            edges = [{"node": self._file(run, at), "cursor": at} for at in names if at in run.files]
            ended = {"endCursor": None, "hasNextPage": False}
            files = {"edges": edges, "pageInfo": ended}
            return {"internalId": "7", "run": {"fileCount": len(run.files), "files": files}}
        return {"internalId": "7", "run": run.node()}

    def _page(self, asked: dict[str, Any]) -> dict[str, Any]:
        wanted = json.loads(asked.get("filters") or "{}")
        runs = sorted(self.runs.values(), key=lambda run: run.created)
        if "displayName" in wanted:
            runs = [run for run in runs if run.name == wanted["displayName"]]
        start = int(asked.get("cursor") or 0)
        page = runs[start : start + asked.get("perPage", 50)]
        edges = [{"node": run.node(), "cursor": str(start + i + 1)} for i, run in enumerate(page)]
        more = {"endCursor": str(start + len(page)), "hasNextPage": start + len(page) < len(runs)}
        return {"internalId": "7", "runCount": len(runs), "readOnly": False,
                "runs": {"edges": edges, "pageInfo": more}}  # fmt: skip

    def _file(self, run: KeptRun, name: str) -> dict[str, Any]:
        address = f"{self.url}/files/{run.id}/{name}"
        return {"id": name, "name": name, "url": address, "directUrl": address, "md5": "",
                "sizeBytes": len(run.files[name]), "mimetype": "", "updatedAt": None}  # fmt: skip


def kept_run(log: Path, name: str | None = None, run_id: str | None = None) -> KeptRun:
    """An offline run of wandb's, as W&B's server keeps it once it was synced."""
    head, history = _Head(), []
    for record in _records(log, []):
        head.add(record)
        if row := _history(record):
            history.append(_nested(row))
    files = {
        path.relative_to(log.parent / "files").as_posix(): path.read_bytes()
        for path in (log.parent / "files").rglob("*")
        if path.is_file()
    }
    return KeptRun(run_id or head.run_id, name or head.name, head.config, history, head.started,
                   files=files)  # fmt: skip


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    """Values of tables and the like are objects on the server; NaN is a word."""
    whole: dict[str, Any] = {}
    media = {key.removesuffix("._type") for key in row if key.endswith("._type")}
    for key, value in row.items():
        above, _, below = key.rpartition(".")
        value = "NaN" if isinstance(value, float) and value != value else value
        if above in media:
            whole.setdefault(above, {})[below] = value
        else:
            whole[key] = value
    return whole
