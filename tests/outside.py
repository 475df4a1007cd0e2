"""The world outside, as a test meets it: whatever is asked is kept, nothing is answered.

A proxy of the browser's context sees what a page's own events do not all tell: icons, workers,
websockets, prefetches. Servers in Python find it by their environment.
"""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

MAKERS = re.compile(r"^CONNECT (www\.google\.com|[\w.-]+\.googleapis\.com|[\w.-]+\.gvt1\.com):443 ")
"""What a browser asks its maker of itself, other things in each version; what a *page* asks of them
stands among its own events (`View.asked`), which are looked at too."""
NOBODY = b"HTTP/1.1 502 Nobody\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Outside:
    """A proxy at `url`; `asked` holds the first line of each request that came to it."""

    url: str
    asked: list[str] = field(default_factory=list)

    @property
    def proxy(self) -> dict[str, str]:
        """For `new_context`: all but the server under test is asked here."""
        return {"server": self.url, "bypass": "localhost,127.0.0.1,[::1]"}

    @property
    def variables(self) -> dict[str, str]:
        """For the environment of a server."""
        return dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), self.url) | {
            "no_proxy": "localhost,127.0.0.1"
        }

    def drained(self) -> list[str]:
        """What was asked since the last time, but for what a browser asks its maker of itself."""
        taken, self.asked[:] = list(self.asked), []
        return [line for line in taken if not MAKERS.match(line)]


@contextmanager
def outside() -> Iterator[Outside]:
    """Listen until the end of the block."""
    found = Outside("")

    class Keeper(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline(4_096).decode("latin-1").strip()
            if line:  # else a connection whose request was taken back
                found.asked.append(line)
            self.wfile.write(NOBODY)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Keeper) as listening:
        listening.daemon_threads = True
        found.url = f"http://127.0.0.1:{listening.server_address[1]}"
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield found
        listening.shutdown()
