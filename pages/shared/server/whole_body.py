"""An answer changed as a whole before it is sent, as two middlewares do in their own ways."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.types import Message, Send


def whole_body(
    send: Send,
    wanted: Callable[[Message], bool],
    answer: Callable[[Message, bytes], Awaitable[None]],
) -> Send:
    """A ``send`` that hands answers of which ``wanted(start)`` is true to ``answer``, complete.

    Args:
        send: takes the messages of all other answers as they come.
        wanted: of the message that starts an answer.
        answer: of that message and all bytes of the body; sends what it makes of them.
    """
    start: Message = {}
    parts: list[bytes] = []

    async def gather(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and wanted(message):
            start = message
        elif not start or message["type"] != "http.response.body":
            await send(message)
        else:
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                await answer(start, b"".join(parts))

    return gather
