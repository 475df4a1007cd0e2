"""The names this server answers to: loopback, and the addresses that OVEROPT_URL lists.

A web page can give its own name this machine's address (DNS rebinding) and then read what any
server here answers. Its requests still carry its own name in Host and Origin: both are checked.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine for itself; any port, for a tunnel or a container has another."""

PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+?)\.?(?::(?P<port>[0-9]{1,5}))?")


class BadAddress(ValueError):
    """OVEROPT_URL holds something that is no address."""


@dataclass(frozen=True)
class Address:
    """One address of OVEROPT_URL: as it is written, its name, and its port."""

    url: str
    name: str
    port: int


def split_host(text: str) -> tuple[str, int | None] | None:
    """Name and port of a Host header, or None where it is none.

    One trailing dot and the case do not count; an IPv6 address is written in its shortest form.

    >>> split_host("LOCALHOST.:8501"), split_host("[0:0::1]"), split_host("user@localhost")
    (('localhost', 8501), ('::1', None), None)
    """
    found = _HOST.fullmatch(text.lower())
    if not found or int(found["port"] or 0) > 65535:
        return None
    name = found["name"]
    if name.startswith("["):
        try:
            name = str(ipaddress.IPv6Address(name[1:-1]))
        except ValueError:
            return None
    return name, int(found["port"]) if found["port"] else None


def split_origin(text: str) -> tuple[str, int] | None:
    """Name and port of an Origin header or an address, or None: ``null``, or no http(s).

    >>> split_origin("https://Monitor.example"), split_origin("null")
    (('monitor.example', 443), None)
    """
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    host = split_host(parts.netloc)
    if parts.scheme not in PORTS or host is None:
        return None
    return host[0], host[1] or PORTS[parts.scheme]


def listed() -> list[Address]:
    """The addresses of OVEROPT_URL, in its order; commas or blanks stand between them.

    Raises:
        BadAddress: one of them is no http or https address.
    """
    found = []
    for url in re.split(r"[\s,]+", os.environ.get("OVEROPT_URL", "").strip(" \t\n,")):
        if not url:
            continue
        place = split_origin(url)
        if place is None:
            raise BadAddress(
                f"OVEROPT_URL holds {url!r}, which is no address. Expected http://HOST:PORT or "
                "https://HOST, several with commas between them."
            )
        found.append(Address(url.rstrip("/"), *place))
    return found


def refused_host(hosts: list[str]) -> str | None:
    """Why a request with these Host headers is not answered, in a sentence; None: it is.

    The name decides. Its port does not: a page of another port has another Origin.
    """
    host = split_host(hosts[0]) if len(hosts) == 1 else None
    if host and (host[0] in LOOPBACK or host[0] in {one.name for one in listed()}):
        return None
    named = " and ".join(repr(one[:100]) for one in hosts[:3]) or "no host"
    return (
        f"This server does not answer to the name in this request ({named}). It answers to "
        "localhost and to the addresses in OVEROPT_URL. If this is an address of the monitor, "
        "start it with OVEROPT_URL=http://HOST:PORT (several with commas between them)."
    )


def refused_origin(origins: list[str], host: str) -> str | None:
    """Why a request that web pages of these origins sent to ``host`` is not answered, or None.

    Right are the server's own pages, pages of an address in OVEROPT_URL (a reverse proxy may
    write another Host), and between loopback names any port. Without Origin no page asks.
    """
    if not origins:
        return None
    place, asked = split_origin(origins[0]) if len(origins) == 1 else None, split_host(host)
    if place and asked:
        scheme = urlsplit(origins[0]).scheme
        own = place == (asked[0], asked[1] or PORTS[scheme])
        between = place[0] in LOOPBACK and asked[0] in LOOPBACK
        if own or between or place in {(one.name, one.port) for one in listed()}:
            return None
    named = " and ".join(repr(one[:100]) for one in origins[:3])
    return (
        f"This request comes from a web page of another server ({named}), so it is not answered. "
        "If this is an address of the monitor, start it with OVEROPT_URL=http://HOST:PORT "
        "(several with commas between them)."
    )
