"""What stands before every route and page: only requests to this server by its name get in.

Every answer also tells the browser to load nothing from another machine.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data.serving.half_open import patient
from data.serving.hosts import refused_host, refused_origin

OPEN = ("/api/health", "/api/ready")
"""Probes ask by whatever name they like, and get no data (see ``data.api``)."""

POLICY = "; ".join(
    (
        "default-src 'self'",
        # Streamlit's page and our own scripts are inline. (WebGL charts would need 'unsafe-eval'.)
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def refusal(scope: Scope) -> tuple[int, str] | None:
    """Status and sentence for a request that is not answered; None: it is."""
    headers = Headers(scope=scope)
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if refused := refused_host(hosts):
        return 421, refused
    if refused := refused_origin(origins, hosts[0]):
        return 403, refused
    return None


class Guard:
    """ASGI middleware; websockets are held to the same rule before they are accepted."""

    def __init__(self, app: ASGIApp) -> None:
        """``app`` answers what is let in."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse in a sentence."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def tell(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] == "http":
            receive = patient(receive)
        refused = refusal(scope)
        if refused is None:
            await self._app(_without_other_origin(scope), receive, tell)
        elif scope["type"] == "http" and scope["path"] in OPEN:
            await self._app(scope, receive, tell)
        else:
            await _sentence(scope["path"], *refused)(scope, receive, tell)


def _sentence(path: str, status: int, message: str) -> Response:
    if path.startswith("/api/"):
        return JSONResponse({"error": message}, status)
    return PlainTextResponse(message + "\n", status)


def _without_other_origin(scope: Scope) -> Scope:
    """The request without an Origin that differs from Host: it has been judged here.

    Streamlit would judge it again, and for that ask another machine for this one's address.
    """
    headers = Headers(scope=scope)
    if headers.get("origin", "").partition("://")[2] == headers.get("host"):
        return scope
    kept = [(name, value) for name, value in scope["headers"] if name != b"origin"]
    return {**scope, "headers": kept}
