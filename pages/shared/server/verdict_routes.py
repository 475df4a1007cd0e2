"""``GET /api/verdicts``: the kept verdicts for other programs, without computing any."""

from __future__ import annotations

import json
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from analytics.onset.evidence.verdict_keys import VerdictRow
from data.database.kept_verdicts import kept_rows
from data.owner import Owner
from pages.shared.keeping.judging import advised, method

PARAMETERS = ("run", "project")


def verdict_routes(owner: Callable[[], Owner | None]) -> list[Route]:
    """One route; ``?run=R`` (may repeat) and ``?project=P`` narrow it.

    A run that is not judged yet has no row; one that has grown since says ``updating``.
    """

    async def verdicts(request: Request) -> Response:
        holder = owner()
        if holder is None:
            return JSONResponse({"error": "the store is not open yet"}, 503)
        for key in request.query_params:
            if key not in PARAMETERS:
                known = ", ".join(PARAMETERS)
                return JSONResponse({"error": f"unknown parameter {key!r}; known: {known}"}, 400)
        runs = request.query_params.getlist("run") or None
        project = request.query_params.get("project")
        there = await run_in_threadpool(holder.store.query, "runs", project=project, runs=runs)
        missing = sorted(set(runs or []) - set(there["run_id"]))
        if missing or (project is not None and there.is_empty()):
            what = f"run {missing[0]!r}" if missing else f"project {project!r}"
            return JSONResponse({"error": f"{what} is not in this store"}, 404)
        return JSONResponse(await run_in_threadpool(_kept, holder, there["run_id"].to_list()))

    return [Route("/api/verdicts", verdicts, methods=["GET"])]


def _kept(owner: Owner, runs: list[str]) -> list[VerdictRow]:
    kept = kept_rows(owner.store, method())
    rows = [
        json.loads(row["verdict"]) | {"updating": not row["current"]}
        for row in kept.iter_rows(named=True)
    ]
    return [row for row in advised(rows) if row["run"] in runs]
