"""The style of our own, sent within the page: brought later it would move what is there already."""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.shared.server.whole_body import whole_body

STYLE = f"<style>\n{Path(__file__).parents[1].joinpath('look.css').read_text()}</style>".encode()
END = b"</head>"


class Styled:
    """ASGI middleware: puts `look.css` into the head of every page of HTML."""

    def __init__(self, app: ASGIApp) -> None:
        """``app`` answers everything."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the app answer, and add to pages."""
        if scope["type"] != "http" or scope["method"] != "GET" or not _asks_page(scope):
            await self._app(scope, receive, send)
            return
        plain = [(k, v) for k, v in scope["headers"] if k != b"accept-encoding"]

        async def style(start: Message, body: bytes) -> None:
            await _answer(start, body, send)

        gather = whole_body(send, _is_page, style)
        await self._app({**scope, "headers": plain}, receive, gather)


def _asks_page(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")


def _is_page(start: Message) -> bool:
    headers = MutableHeaders(raw=list(start["headers"]))
    return start["status"] == 200 and headers.get("content-type", "").startswith("text/html")


async def _answer(start: Message, body: bytes, send: Send) -> None:
    styled = body.replace(END, STYLE + END, 1)
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["Content-Length"] = str(len(styled))
    for name in ("etag", "last-modified"):  # those of the file alone: a new style would not come
        if name in headers:
            del headers[name]
    await send({**start, "headers": headers.raw})
    await send({"type": "http.response.body", "body": styled})
