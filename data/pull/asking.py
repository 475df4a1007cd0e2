"""Questions to a tracking server over HTTP, with patience where it asks for it."""

from __future__ import annotations

import base64
import json
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any, NoReturn
from urllib.parse import urlencode, urlsplit, urlunsplit

from data.declared.foreign import JsonObject
from data.pull.outcome import NotThere, PullError, clean

TRIES = 6
FIRST_WAIT = 1.0  # seconds; doubled at each try
LONGEST_WAIT = 120.0  # seconds that a server may ask for
TIMEOUT = 60.0  # seconds for one answer
LARGEST = 256 << 20  # bytes of one answer
BUSY = frozenset({408, 429, 500, 502, 503, 504})
"""Answers after which the same question is asked again."""


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Redirects are followed on the same host only: the login goes with them."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        """None, which makes the redirect an error, where it leads elsewhere."""
        if urlsplit(newurl).netloc != urlsplit(req.full_url).netloc:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Asking:
    """Asks one server; the login is that of the environment, as MLflow's own client reads it.

    ``MLFLOW_TRACKING_TOKEN``, else ``MLFLOW_TRACKING_USERNAME`` and ``MLFLOW_TRACKING_PASSWORD``,
    else a name in the address. It is sent to this server alone and shown nowhere.
    """

    def __init__(self, address: str, sleep: Callable[[float], None] = time.sleep) -> None:
        """Nothing is sent.

        Raises:
            PullError: the address is none.
        """
        parts = urlsplit(address if "://" in address else f"http://{address}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PullError(f"{clean(address)} is no server's address: write http(s)://HOST:PORT")
        netloc = parts.netloc.rpartition("@")[2]
        self.address = urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", ""))
        self._login = _login(parts.username, parts.password)
        self._sleep = sleep
        self._opener = urllib.request.build_opener(
            _SameHost(), urllib.request.HTTPSHandler(context=_trust())
        )

    def get(self, path: str, asked: Mapping[str, object] | None = None) -> JsonObject:
        """The JSON answer of a GET."""
        return self._json(path, self.fetch(path, asked))

    def post(self, path: str, body: Mapping[str, object]) -> JsonObject:
        """The JSON answer of a POST."""
        return self._json(path, self._answer(path, json.dumps(body).encode()))

    def fetch(self, path: str, asked: Mapping[str, object] | None = None) -> bytes:
        """The bytes of a GET.

        Raises:
            NotThere: 404, or the server says that it does not exist.
            PullError: no right answer after all tries; what the server said is in it.
        """
        return self._answer(f"{path}?{urlencode(asked)}" if asked else path, None)

    def _json(self, path: str, body: bytes) -> JsonObject:
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise PullError(
                f"{self.address}{path.partition('?')[0]} answers with something else than JSON: is "
                "it the address of an MLflow tracking server?"
            )
        return found

    def _answer(self, path: str, body: bytes | None) -> bytes:
        wait = FIRST_WAIT
        for left in reversed(range(TRIES)):
            request = urllib.request.Request(
                self.address + path,
                data=body,
                headers={"Content-Type": "application/json", **self._login},
            )
            try:
                with self._opener.open(request, timeout=TIMEOUT) as answer:
                    found: bytes = answer.read(LARGEST + 1)
                    if len(found) > LARGEST:
                        raise PullError(f"{self.address} answers with more than can be held")
                    return found
            except urllib.error.HTTPError as error:
                asked = _asked_to_wait(error.headers.get("Retry-After"))
                if error.code not in BUSY or not left or (asked or 0) > LONGEST_WAIT:
                    self._refused(error, asked)
                pause = wait if asked is None else asked
            except (OSError, HTTPException) as error:
                if not left:
                    reason = clean(getattr(error, "reason", error))
                    raise PullError(
                        f"{self.address} does not answer ({reason}), after {TRIES} tries. Check "
                        "the address and the network"
                    ) from error
                pause = wait
            self._sleep(pause)
            wait *= 2
        raise AssertionError("the last try returns or raises")

    def _refused(self, error: urllib.error.HTTPError, asked: float | None) -> NoReturn:
        body = error.read(LARGEST).decode("utf-8", "replace")
        try:
            answer = json.loads(body)
            message, code = clean(answer.get("message", "")), str(answer.get("error_code", ""))
        except (ValueError, AttributeError):
            message, code = "", ""
        if error.code == 404 or code == "RESOURCE_DOES_NOT_EXIST":
            raise NotThere(message or f"{self.address} does not know it (404)") from error
        if error.code in (401, 403):
            raise PullError(
                f"{self.address} does not take the login ({error.code}). Set "
                "MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            ) from error
        if error.code in BUSY:
            later = f"asks to wait {asked:.0f} s" if asked is not None else "is busy or broken"
            raise PullError(f"{self.address} {later} ({error.code}); given up") from error
        raise PullError(
            f"{self.address} refuses ({error.code}): {message or error.reason}"
        ) from error


def _login(user: str | None, password: str | None) -> dict[str, str]:
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    user = os.environ.get("MLFLOW_TRACKING_USERNAME") or user
    password = os.environ.get("MLFLOW_TRACKING_PASSWORD") or password
    if not user:
        return {}
    joined = base64.b64encode(f"{user}:{password or ''}".encode()).decode()
    return {"Authorization": f"Basic {joined}"}


def _trust() -> ssl.SSLContext:
    """What certificates are believed, by MLflow's own words for it."""
    file = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH")
    context = ssl.create_default_context(cafile=file or None)
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("1", "true"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _asked_to_wait(stated: str | None) -> float | None:
    """Seconds of a Retry-After, which may be a time; None where there is none."""
    if not stated:
        return None
    if stated.strip().isdigit():
        return float(stated)
    try:
        at = parsedate_to_datetime(stated)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
