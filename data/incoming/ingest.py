"""``POST /api/ingest``: rows from trainers on other machines, as Parquet or JSON Lines.

The body is a plain table (the columns of DESIGN's tables; ``?run=NAME`` where it has no run_id).
It becomes a durable segment before the answer is sent.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from data import spool
from data.columns import POSTED, ReadOptions
from data.database.sql import StoreError
from data.incoming.importing import Imported, spool_paths
from data.owner import Owner
from data.serving.failing import sentence

MOST_MEGABYTES = 64
"""Size limit of one body; OVEROPT_INGEST_MB overrides."""

OPTIONS = (
    "project", "run", "proxy", "gold", "gold_kind", "kl", "kl_unit", "kl_estimator",
    "kl_reference", "kl_coefficient", "length", "step", "run_column", "lower_is_better",
    "question", "grade", "answer", "reference", "confidence", "topic", "grade_map",
)  # fmt: skip
"""Query parameters, as the options of ``python -m data import``."""

TAKEN = (
    "", "application/json", "application/jsonl", "application/json-lines", "application/x-ndjson",
    "application/ndjson", "application/octet-stream", "application/vnd.apache.parquet",
    "application/x-parquet", "application/parquet", "text/plain",
    "application/x-www-form-urlencoded",  # what urllib and curl say where nobody says anything
)  # fmt: skip
"""Values of Content-Type; the body itself tells Parquet from JSON Lines."""

_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)")


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
            if request.method != "POST":
                raise Refused(405, "rows are taken by POST")
            holder = owner()
            if holder is None:
                raise Refused(503, "the store is not open yet")
            _check_token(request)
            _check_headers(request)
            options = _options(request)
            body = await _body(request)
            return JSONResponse(await run_in_threadpool(_take, holder, body, options))
        except ClientDisconnect:  # nobody is there to be answered, and nothing was kept
            return Response(status_code=499)
        except HTTPException as silence:  # the rest of the body did not come
            return JSONResponse({"error": silence.detail}, silence.status_code, silence.headers)
        except Refused as refusal:
            headers = {401: {"WWW-Authenticate": "Bearer"}, 405: {"Allow": "POST"}}
            return JSONResponse(
                {"error": str(refusal)}, refusal.status, headers.get(refusal.status)
            )

    methods = ["POST", "GET", "PUT", "PATCH", "DELETE"]
    return [Route("/api/ingest", ingest, methods=methods)]


def _check_token(request: Request) -> None:
    expected = os.environ.get("OVEROPT_INGEST_TOKEN")
    if not expected:
        raise Refused(403, "ingestion is off: start the server with OVEROPT_INGEST_TOKEN set")
    given = request.headers.get("authorization", "")
    if not given:
        raise Refused(401, "send the header Authorization: Bearer TOKEN")
    if not secrets.compare_digest(given.encode(), f"Bearer {expected}".encode()):
        raise Refused(401, "the token of the header Authorization: Bearer TOKEN is another one")


def _check_headers(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in TAKEN:
        raise Refused(415, f"a body of {kind} is not taken: send Parquet or JSON Lines")
    packed = request.headers.get("content-encoding", "identity")
    if packed.lower() != "identity":
        raise Refused(415, f"a body packed by {packed} is not taken: send it as it is")


def _options(request: Request) -> ReadOptions:
    given: dict[str, Any] = {}
    for key, value in request.query_params.multi_items():
        if key not in OPTIONS:
            raise Refused(400, f"unknown parameter {key!r}; known: {', '.join(OPTIONS)}")
        if key in given:
            raise Refused(400, f"the parameter {key} is given twice")
        if not value.strip():
            raise Refused(400, f"the parameter {key} is empty")
        given[key] = value
    return replace(ReadOptions(whole=True), **given)


async def _body(request: Request) -> bytes:
    stated = os.environ.get("OVEROPT_INGEST_MB", str(MOST_MEGABYTES))
    try:
        limit = int(float(stated) * 1e6)
    except (ValueError, OverflowError):
        raise Refused(500, f"OVEROPT_INGEST_MB={stated} is no number of megabytes") from None
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise Refused(413, f"a body may have at most {limit / 1e6:g} MB; send it in parts")
        parts.append(part)
    body = b"".join(parts)
    if not body.strip():
        raise Refused(400, "the body is empty; expected Parquet or JSON Lines")
    return body


def _spooled(home: Path, body: bytes, options: ReadOptions) -> Imported:
    """The body as durable segments."""
    kind = "parquet" if body[:4] == b"PAR1" else "jsonl"
    with spool.scratch(home) as folder:
        file = Path(folder) / f"body.{kind}"
        # With a line end the last line is whole or wrong, never one that still grows.
        file.write_bytes(body if kind == "parquet" else body.removesuffix(b"\n") + b"\n")
        return spool_paths(home, [file], options, keep_skips=False, origin=POSTED)


def _take(owner: Owner, body: bytes, options: ReadOptions) -> dict[str, object]:
    try:
        done = _spooled(owner.home, body, options)
    except (StoreError, OSError) as error:  # a full disk, mostly
        raise Refused(503, f"the rows are not kept: {sentence(error)}") from error
    if done.skipped:
        reasons = "; ".join(skip.reason for skip in done.skipped)
        # What the commands call --kl-unit is the parameter kl_unit here.
        raise Refused(422, _OPTION.sub(lambda name: name[1].replace("-", "_"), reasons))
    try:
        owner.store.drain()
        results = owner.store.results(done.segments)
    except duckdb.Error as error:
        raise Refused(503, f"the rows are kept, but the store failed: {sentence(error)}") from error
    if len(results) < len(done.segments):
        raise Refused(503, "the rows are kept, but the store could not take them in yet: its "
                      "owner's output says why, and it tries again by itself")  # fmt: skip
    return {
        "runs": [
            {"run": row["run"], "points": row["points"], "replaced": row["replaced"]}
            for result in results
            for row in result["runs"]
        ]
    }
