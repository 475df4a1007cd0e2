"""What a browser is given with a page's address: our style, where the server is, and the charts'
own script.

The style brought later would move what is there already. Left to itself, Streamlit looks for its
server below the page's own address first (``/overoptimization/_stcore/health``: 404), waits, and
connects only when two more answers are there; and it asks for Plotly when the first chart comes.
"""

from __future__ import annotations

from pathlib import Path

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.shared.server.whole_body import whole_body

STYLE = f"<style>\n{Path(__file__).parents[1].joinpath('look.css').read_text()}</style>".encode()
SERVER = b"""<script>
window.__streamlit = {
  BACKEND_BASE_URL: new URL(".", location.href).href,
  HOST_CONFIG: {allowedOrigins: [location.origin], useExternalAuthToken: false},
};
</script>
"""
"""No page that holds this one in a frame is listened to before the server says which may."""
CHARTED = (
    "overoptimization", "components", "best-of-n", "scaling", "hallucination", "calibration",
    "training-set", "provenance", "quality",
)  # fmt: skip
"""Pages that begin with charts."""
SCRIPTS = Path(streamlit.__file__).parent.glob("static/static/js/PlotlyChart.*.js")
TAG = '<link rel="modulepreload" crossorigin href="./static/js/{}">\n'
CHARTS = "".join(TAG.format(file.name) for file in SCRIPTS).encode()
HEAD, END = b"<head>", b"</head>"


class Styled:
    """ASGI middleware: puts that into the head of every page of HTML."""

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
            await _answer(start, body, scope["path"], send)

        gather = whole_body(send, _is_page, style)
        await self._app({**scope, "headers": plain}, receive, gather)


def _asks_page(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")


def _is_page(start: Message) -> bool:
    headers = MutableHeaders(raw=list(start["headers"]))
    return start["status"] == 200 and headers.get("content-type", "").startswith("text/html")


async def _answer(start: Message, body: bytes, path: str, send: Send) -> None:
    ours = STYLE + (CHARTS if path.rpartition("/")[2] in CHARTED else b"")
    styled = body.replace(HEAD, HEAD + SERVER, 1).replace(END, ours + END, 1)
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["Content-Length"] = str(len(styled))
    for name in ("etag", "last-modified"):  # those of the file alone: a new style would not come
        if name in headers:
            del headers[name]
    await send({**start, "headers": headers.raw})
    await send({"type": "http.response.body", "body": styled})
