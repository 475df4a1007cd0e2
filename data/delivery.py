"""Handing a message to whoever receives it: a webhook, a command, or a service of apprise."""

from __future__ import annotations

import http.client
import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

USER_AGENT = "overoptimization-monitor"
REFUSED = (400, 404, 405, 410, 413, 415, 422)
"""Answers of a receiver that will not take this message, whenever it comes."""
LONGEST_ANSWER = 300


class NotDelivered(Exception):
    """The receiver did not take it; the message says why.

    after: seconds that it asks to be left alone, 0 = it says nothing. refused: it was this message
    that it would not have.
    """

    def __init__(self, why: str, after: float = 0.0, refused: bool = False) -> None:
        """why: a part of a sentence."""
        super().__init__(why)
        self.after, self.refused = after, refused


def post(url: str, body: Mapping[str, Any], name: str, timeout: float) -> None:
    """Post JSON to a webhook. ``name`` goes along, so that a receiver knows a message again.

    Raises:
        NotDelivered: there was no answer, or one that is no 2xx.
    """
    try:
        request = urllib.request.Request(url, json.dumps(body).encode(), {
            "Content-Type": "application/json; charset=utf-8", "User-Agent": USER_AGENT,
            "Idempotency-Key": name,
        }, method="POST")  # fmt: skip
        urllib.request.build_opener(_NoDetour).open(request, timeout=timeout).close()
    except urllib.error.HTTPError as error:
        with error:
            said = _said(error)
        raise NotDelivered(
            f"the receiver answered {error.code}{said}", _after(error), error.code in REFUSED
        ) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NotDelivered(f"no answer from the receiver: {_first_line(error)}") from error


class _NoDetour(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET without its message: it counts as not taken."""

    def redirect_request(self, *_: object) -> None:
        return None


def run(command: Sequence[str], message: Mapping[str, Any], timeout: float) -> None:
    """Give a message as JSON to a program; nothing of it is ever part of the command line.

    Raises:
        NotDelivered: the program is not there, took too long, or ended with another exit than 0.
    """
    try:
        done = subprocess.run(
            list(command), input=json.dumps(message).encode(), capture_output=True,
            timeout=timeout, start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotDelivered(f"{command[0]} took more than {timeout} s") from None
    except (OSError, ValueError) as error:
        raise NotDelivered(f"{command[0]} cannot be run: {_first_line(error)}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [""]
        raise NotDelivered(f"{command[0]} ended with {done.returncode} {said[0][:200]}".strip())


def notify(url: str, title: str, text: str) -> None:
    """Send by a service of apprise: e-mail and many more.

    Raises:
        NotDelivered: the service did not take it, or apprise is not there or knows it not.
    """
    try:
        import apprise
    except ImportError as error:
        raise NotDelivered("apprise is not installed: pip install apprise") from error
    service = apprise.Apprise()
    if not service.add(url):
        raise NotDelivered("apprise knows no such address: see its list of services")
    if not service.notify(title=title, body=text, body_format=apprise.NotifyFormat.TEXT):
        raise NotDelivered("the service did not take it")


def _said(error: urllib.error.HTTPError) -> str:
    try:
        text = error.read1(LONGEST_ANSWER).decode(errors="replace")  # what is there, no more
    except (OSError, http.client.HTTPException):
        return ""
    line = " ".join(text.split())
    return f": {line}" if line.isprintable() and line else ""


def _after(error: urllib.error.HTTPError) -> float:
    """Seconds of a Retry-After header: a number, or a date."""
    told = error.headers.get("Retry-After", "") if error.headers else ""
    if told.isdecimal():
        return min(float(told), 3600.0)
    try:
        date, now = parsedate_to_datetime(told), parsedate_to_datetime(error.headers["Date"])
        return min(max((date - now).total_seconds(), 0.0), 3600.0)
    except (TypeError, ValueError):
        return 0.0


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
