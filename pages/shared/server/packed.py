"""Streamlit's own scripts and styles, sent compressed: each is packed once and kept.

Streamlit leaves that to a proxy in front; without one a first page is 9 MB, most of it Plotly.
"""

from __future__ import annotations

import gzip

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.shared.server.whole_body import whole_body

KINDS = ("text/javascript", "application/javascript", "text/css")
LEAST = 1_000
"""Bytes below which packing is not worth it."""
MOST = 40_000_000
"""Bytes that all packed files together may take; all that Streamlit has are 8 MB."""


class Packed:
    """ASGI middleware: answers GET under /static/ in gzip to those who take it."""

    def __init__(self, app: ASGIApp) -> None:
        """``app`` answers everything, and each file once."""
        self._app = app
        self._kept: dict[str, tuple[list[tuple[bytes, bytes]], bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from what is kept, or let the app answer and keep that."""
        if not _wants(scope):
            await self._app(scope, receive, send)
        elif kept := self._kept.get(scope["path"]):
            await _answer(send, *kept)
        else:
            await self._app(scope, receive, self._packing(scope["path"], send))

    def _packing(self, path: str, send: Send) -> Send:
        async def pack(start: Message, body: bytes) -> None:
            await self._keep(path, start, body, send)

        return whole_body(send, _packs, pack)

    async def _keep(self, path: str, start: Message, body: bytes, send: Send) -> None:
        packed = await run_in_threadpool(gzip.compress, body, 6, mtime=0)
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(packed))
        headers.add_vary_header("Accept-Encoding")
        if tag := headers.get("etag"):
            headers["ETag"] = f"W/{tag.removeprefix('W/')}"  # the same file, other bytes
        if sum(len(kept_body) for _, kept_body in self._kept.values()) + len(packed) <= MOST:
            self._kept[path] = headers.raw, packed
        await _answer(send, headers.raw, packed)


def _wants(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET" or "/static/" not in scope["path"]:
        return False
    headers = Headers(scope=scope)
    accepts = headers.get("accept-encoding", "")
    conditional = any(name in headers for name in ("range", "if-none-match", "if-modified-since"))
    return "gzip" in accepts and not conditional


def _packs(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    kind = headers.get("content-type", "").partition(";")[0]
    large = int(headers.get("content-length", LEAST)) >= LEAST
    return start["status"] == 200 and kind in KINDS and large and "content-encoding" not in headers


async def _answer(send: Send, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [*headers]})
    await send({"type": "http.response.body", "body": body})
