"""Addresses under which a page was once promised: they lead to where it is."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

MOVED = {"/samples": "/responses"}


async def lead(request: Request) -> RedirectResponse:
    """To the page of today, with all that the address asked for."""
    asked = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{MOVED[request.url.path]}{asked}", status_code=308)


def routes() -> list[Route]:
    """One a name."""
    return [Route(old, lead, methods=["GET"]) for old in MOVED]
