"""``POST /api/ingest``: rows from trainers on other machines, as Parquet or JSON Lines.

The body is a plain table (the columns of DESIGN's tables; ``?run=NAME`` where it has no run_id).
It becomes a durable segment before the answer is sent.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from data.columns import ReadOptions
from data.importing import spool_paths
from data.owner import Owner

MOST_MEGABYTES = 64
"""Size limit of one body; OVEROPT_INGEST_MB overrides."""

OPTIONS = ("project", "run", "proxy", "gold", "gold_kind", "kl", "kl_unit", "kl_estimator")
"""Query parameters, as the options of ``python -m data import``."""


class Refused(Exception):
    """A request that is not taken: status code and reason."""

    def __init__(self, status: int, reason: str) -> None:
        """Keep both for the answer."""
        super().__init__(reason)
        self.status = status


def routes(owner: Callable[[], Owner | None]) -> list[Route]:
    """The route of ingestion."""

    async def ingest(request: Request) -> Response:
        try:
            held = owner()
            if held is None:
                raise Refused(503, "the store is not open yet")
            _check_token(request)
            body = await _body(request)
            unknown = [key for key in request.query_params if key not in OPTIONS]
            if unknown:
                raise Refused(400, f"unknown parameter {unknown[0]!r}; known: {', '.join(OPTIONS)}")
            given: dict[str, Any] = dict(request.query_params)
            options = replace(ReadOptions(), **given)
            return JSONResponse(await run_in_threadpool(_take, held, body, options))
        except Refused as refusal:
            return JSONResponse({"error": str(refusal)}, refusal.status)

    return [Route("/api/ingest", ingest, methods=["POST"])]


def _check_token(request: Request) -> None:
    expected = os.environ.get("OVEROPT_INGEST_TOKEN")
    if not expected:
        raise Refused(403, "ingestion is off: start the server with OVEROPT_INGEST_TOKEN set")
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not secrets.compare_digest(given.encode(), expected.encode()):
        raise Refused(401, "send the header Authorization: Bearer TOKEN")


async def _body(request: Request) -> bytes:
    limit = int(float(os.environ.get("OVEROPT_INGEST_MB", MOST_MEGABYTES)) * 1e6)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise Refused(413, f"a body may have at most {limit / 1e6:g} MB; send it in parts")
        parts.append(part)
    if not size:
        raise Refused(400, "the body is empty; expected Parquet or JSON Lines")
    return b"".join(parts)


def _take(owner: Owner, body: bytes, options: ReadOptions) -> dict[str, object]:
    kind = "parquet" if body[:4] == b"PAR1" else "jsonl"
    with tempfile.TemporaryDirectory(dir=owner.home) as folder:
        file = Path(folder) / f"{options.run or 'body'}.{kind}".replace("/", "_")
        file.write_bytes(body)
        done = spool_paths(
            owner.home, [file], options, keep_skips=False, origin="posted to /api/ingest"
        )
    if done.skipped:
        reasons = "; ".join(skip.reason for skip in done.skipped)
        raise Refused(422, reasons)
    owner.store.drain()
    return {
        "runs": [
            {"run": row["run"], "points": row["points"], "replaced": row["replaced"]}
            for result in owner.store.results(done.segments)
            for row in result["runs"]
        ]
    }
