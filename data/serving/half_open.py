"""Connections that send half a request and wait: they end by themselves.

The server below Streamlit and ``data serve`` (uvicorn) waits for ever for the rest of a request's
head, and a route for the rest of its body. Both have a time here. Silence after an answer is
uvicorn's own (``timeout_keep_alive``), and so are websockets, which are pinged.
"""

from __future__ import annotations

import asyncio
from functools import wraps
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive
from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_SECONDS = 30.0
"""A request's head must be there within this time after its first byte, or after connecting."""
SILENT_SECONDS = 30.0
"""A body may be silent for so long between two parts."""


def end_half_open(protocol: type[Any] = AutoHTTPProtocol) -> None:
    """From now on connections of ``protocol`` end when a request's head stays half sent."""
    made, received = protocol.connection_made, protocol.data_received
    if hasattr(made, "__wrapped__"):
        return

    @wraps(made)
    def connection_made(self: Any, transport: asyncio.Transport) -> None:
        made(self, transport)
        self.waits_for_head = self.loop.call_later(HEAD_SECONDS, _end, self)

    @wraps(received)
    def data_received(self: Any, data: bytes) -> None:
        received(self, data)
        waits = _between_requests(self)
        if not waits:
            self.waits_for_head.cancel()
        elif self.waits_for_head.cancelled():
            self.waits_for_head = self.loop.call_later(HEAD_SECONDS, _end, self)

    protocol.connection_made, protocol.data_received = connection_made, data_received


def _between_requests(protocol: Any) -> bool:
    """Whether no request's head has come since the last answer, and none was made a websocket."""
    if protocol.transport.is_closing() or protocol.transport.get_protocol() is not protocol:
        return False
    return protocol.cycle is None or protocol.cycle.response_complete


def _end(protocol: Any) -> None:
    protocol.waits_for_head.cancel()
    if _between_requests(protocol):
        protocol.transport.close()


def patient(receive: Receive) -> Receive:
    """``receive`` of an HTTP request, which gives up on a body that has gone silent.

    Raises:
        HTTPException: 408, from what it returns.
    """
    whole = False

    async def ask() -> Message:
        nonlocal whole
        if whole:  # what comes now is only that the client has gone
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), SILENT_SECONDS)
        except TimeoutError:
            why = f"the rest of the request did not come within {SILENT_SECONDS:g} s"
            raise HTTPException(408, why, {"Connection": "close"}) from None
        whole = not message.get("more_body", False)
        return message

    return ask
