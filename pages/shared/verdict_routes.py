"""``GET /api/verdicts``: the kept verdicts for other programs, without computing any."""

from __future__ import annotations

import json
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from analytics.verdicts import method
from data.owner import Owner


def verdict_routes(owner: Callable[[], Owner | None]) -> list[Route]:
    """One route; ``?run=R`` (may repeat) and ``?project=P`` narrow it."""

    async def verdicts(request: Request) -> Response:
        held = owner()
        if held is None:
            return JSONResponse({"error": "the store is not open yet"}, 503)
        runs = request.query_params.getlist("run") or None
        rows = await run_in_threadpool(_kept, held, runs, request.query_params.get("project"))
        return JSONResponse(rows)

    return [Route("/api/verdicts", verdicts, methods=["GET"])]


def _kept(owner: Owner, runs: list[str] | None, project: str | None) -> list[dict[str, object]]:
    kept = owner.store.query("verdicts", runs=runs, until=-1, source="", method=method())
    rows = [
        json.loads(row["verdict"]) | {"updating": not row["current"]}
        for row in kept.iter_rows(named=True)
    ]
    return [row for row in rows if project is None or row["project"] == project]
