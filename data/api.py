"""The owner's HTTP routes: the store's own questions for commands on this machine, and probes."""

from __future__ import annotations

import io
import json
import secrets
import traceback
from collections.abc import Callable
from typing import Any

import anyio
import duckdb
import polars as pl
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from data.database.sql import StoreError
from data.declared.foreign import JsonObject
from data.owner import Owner
from data.serving.guard import refusal

READY_SECONDS = 5.0
"""A store that answers no question within this many seconds is not ready."""

LOOPBACK = {"127.0.0.1", "::1", "localhost", "testclient"}


def routes(owner: Callable[[], Owner | None]) -> list[Route]:
    """Routes under /api; ``owner`` is looked up at each request (it starts after them)."""

    async def health(request: Request) -> Response:
        holder = owner()
        if holder is None:
            return JSONResponse({"status": "starting"}, 503)
        if refusal(request.scope):
            return JSONResponse({"status": "ok"})
        counts = await run_in_threadpool(holder.store.query, "counts")
        return JSONResponse({"status": "ok", **counts.row(0, named=True)})

    async def ready(request: Request) -> Response:
        holder = owner()
        status = "starting" if holder is None else await _store_status(holder)
        return JSONResponse({"status": status}, 200 if status == "ready" else 503)

    async def ask(request: Request) -> Response:
        holder = owner()
        if holder is None:
            return JSONResponse({"error": "the store is not open yet"}, 503)
        client = request.client.host.removeprefix("::ffff:") if request.client else ""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if client not in LOOPBACK or not secrets.compare_digest(
            given.encode(), holder.token.encode()
        ):
            return JSONResponse({"error": "only commands on this machine may ask"}, 403)
        try:
            body = _asked(request.path_params["what"], await request.body())
            return await run_in_threadpool(_answer, holder, request.path_params["what"], body)
        except duckdb.Error as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            return JSONResponse({"error": f"the store cannot answer this: {first}"}, 400)
        except WRONG as error:
            return JSONResponse({"error": str(error)}, 400)

    return [
        Route("/api/health", health, methods=["GET"]),
        Route("/api/ready", ready, methods=["GET"]),
        Route("/api/store/{what}", ask, methods=["POST"]),
    ]


async def _store_status(owner: Owner) -> str:
    """``ready``, or in two words why not; no data, for any name may ask."""
    try:
        with anyio.fail_after(READY_SECONDS):
            await anyio.to_thread.run_sync(owner.store.query, "counts", abandon_on_cancel=True)
    except TimeoutError:
        return "store busy"
    except Exception:  # whatever it is: a probe is told, and the server's log has it
        traceback.print_exc()
        return "store failing"
    return "ready"


WRONG = (StoreError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError)
ASKS: dict[str, dict[str, type[Any]]] = {
    "query": {"name": str, "params": dict}, "results": {"segments": list},
    "save_verdicts": {"rows": list}, "save_indicators": {"rows": list},
}  # fmt: skip
"""What the body of a request must hold, by what is asked for."""
KINDS: dict[type, str] = {str: "text", dict: "an object", list: "a list"}


def _asked(what: str, text: bytes) -> JsonObject:
    """The body of a request.

    Raises:
        ValueError: it is not what is expected; the message says what is.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise ValueError("the body is JSON, but no object; an object {…} is expected")
    for key, kind in ASKS.get(what, {}).items():
        if not isinstance(body.get(key), kind):
            raise ValueError(f"{what}: {key!r} is expected in the body, {KINDS[kind]}")
    inner: dict[str, type[Any]] = {"segments": str, "rows": dict}
    for key in inner.keys() & ASKS.get(what, {}).keys():
        if not all(isinstance(one, inner[key]) for one in body[key]):
            raise ValueError(f"{what}: {key!r} is a list; each in it must be {KINDS[inner[key]]}")
    return body


def _answer(owner: Owner, what: str, body: JsonObject) -> Response:
    store = owner.store
    if what == "query":
        frame = store.query(body["name"], **body["params"])
        out = io.BytesIO()
        frame.write_ipc(out)
        return Response(out.getvalue(), media_type="application/vnd.apache.arrow.file")
    if what == "drain":
        return JSONResponse(store.drain())
    if what == "results":
        return JSONResponse(store.results(body["segments"]))
    if what == "refused":
        return JSONResponse(store.refused)
    if what == "save_verdicts":
        store.save_verdicts(pl.DataFrame(body["rows"], infer_schema_length=None))
        return JSONResponse({})
    if what == "save_indicators":
        store.save_indicators(pl.DataFrame(body["rows"], infer_schema_length=None))
        return JSONResponse({})
    return JSONResponse({"error": f"there is no {what!r} to ask for"}, 404)
