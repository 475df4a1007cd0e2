"""Handing a message to whoever receives it: a webhook, a command, or a service of apprise."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from data.serving.within import Connections, TooLong, within

USER_AGENT = "overoptimization-monitor"
REFUSED = (400, 404, 405, 410, 413, 415, 422)
"""Answers of a receiver that will not take this message, whenever it comes."""
LONGEST_ANSWER = 300
SLOWEST_SERVICE = 60.0
"""Seconds that a service of apprise has at least: a mail server may let its clients wait."""
_NOTIFIES = """
import json, sys
asked = json.load(sys.stdin)
try:
    import apprise
except ImportError:
    sys.exit(3)
service = apprise.Apprise()
if not service.add(asked["url"]):
    sys.exit(4)
form = apprise.NotifyFormat.TEXT
sys.exit(0 if service.notify(title=asked["title"], body=asked["text"], body_format=form) else 5)
"""
_FAULTS = {
    3: "apprise is not installed: pip install apprise",
    4: "apprise knows no such address: see its list of services",
    5: "the service did not take it",
}


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

    timeout: seconds in all, from the first byte sent to the last one read.

    Raises:
        NotDelivered: there was no answer, or one that is no 2xx.
    """
    connections = Connections()
    try:
        within(timeout, partial(_post, url, body, name, timeout, connections), connections.end)
    except TooLong:
        raise NotDelivered(f"the receiver did not answer in full within {timeout:g} s") from None


def _post(
    url: str, body: Mapping[str, Any], name: str, timeout: float, connections: Connections
) -> None:
    try:
        request = urllib.request.Request(url, json.dumps(body).encode(), {
            "Content-Type": "application/json; charset=utf-8", "User-Agent": USER_AGENT,
            "Idempotency-Key": name,
        }, method="POST")  # fmt: skip
        opener = urllib.request.build_opener(_NoDetour, *connections.handlers)
        opener.open(request, timeout=timeout).close()
    except urllib.error.HTTPError as error:
        with error:
            reason = _reason(error)
        raise NotDelivered(
            f"the receiver answered {error.code}{reason}", _after(error), error.code in REFUSED
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
        last_line = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [""]
        raise NotDelivered(
            f"{command[0]} ended with {done.returncode} {last_line[0][:200]}".strip()
        )


def notify(url: str, title: str, text: str, timeout: float) -> None:
    """Send by a service of apprise: e-mail and many more.

    In a process of its own, which ends in time whatever the service does. The address, which may
    hold a password, goes over its standard input.

    timeout: seconds; SLOWEST_SERVICE at least.

    Raises:
        NotDelivered: the service did not take it, or apprise is not there or knows it not.
    """
    given = json.dumps({"url": url, "title": title, "text": text}).encode()
    patience = max(timeout, SLOWEST_SERVICE)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _NOTIFIES], input=given, capture_output=True,
            timeout=patience, start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotDelivered(f"the service took more than {patience:g} s") from None
    except OSError as error:
        raise NotDelivered(f"apprise cannot be run: {_first_line(error)}") from error
    if done.returncode:
        raise NotDelivered(_FAULTS.get(done.returncode, "apprise failed"))


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        text = error.read1(LONGEST_ANSWER).decode(errors="replace")  # what is there, no more
    except (OSError, http.client.HTTPException):
        return ""
    line = " ".join(text.split())
    return f": {line}" if line.isprintable() and line else ""


def _after(error: urllib.error.HTTPError) -> float:
    """Seconds of a Retry-After header: a number, or a date."""
    wait = error.headers.get("Retry-After", "") if error.headers else ""
    if wait.isdecimal():
        return min(float(wait), 3600.0)
    try:
        date, now = parsedate_to_datetime(wait), parsedate_to_datetime(error.headers["Date"])
        return min(max((date - now).total_seconds(), 0.0), 3600.0)
    except (TypeError, ValueError):
        return 0.0


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
