"""Scripts and styles go over the wire packed, and are the same when unpacked."""

from __future__ import annotations

import gzip
import re
import urllib.request
from collections.abc import Iterator
from http.client import HTTPMessage
from pathlib import Path

import pytest
import streamlit

from tests.server import Server, servers

STATIC = Path(streamlit.__file__).parent / "static"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers(tmp_path_factory) as start:
        yield start()


def get(served: Server, path: str, **headers: str) -> tuple[bytes, HTTPMessage, int]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"{served.url}/{path}", headers=named)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read(), answer.headers, answer.status


def assets() -> list[str]:
    """What the first page names and is worth packing, and the largest script: Plotly."""
    page = (STATIC / "index.html").read_text()
    named = re.findall(r'(?:src|href)="\./(static/[^"]+\.(?:js|css))"', page)
    large = [path for path in named if (STATIC / path).stat().st_size > 2_000]
    assert len(large) > 10
    plotly = max((STATIC / "static" / "js").glob("PlotlyChart*.js"), key=lambda f: f.stat().st_size)
    return [*large, f"static/js/{plotly.name}"]


def test_assets_are_packed_and_whole(served: Server) -> None:
    sent = whole = 0
    for path in assets():
        plain = (STATIC / path).read_bytes()
        for _ in range(2):  # packed, then kept
            body, headers, _ = get(served, path, Accept_Encoding="gzip, br")
            assert headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in headers["Vary"]
            assert gzip.decompress(body) == plain and int(headers["Content-Length"]) == len(body)
        assert headers["Content-Security-Policy"]
        sent, whole = sent + len(body), whole + len(plain)
    assert whole > 4_000_000 and sent < 0.36 * whole


def test_who_takes_no_gzip_gets_the_file(served: Server) -> None:
    path = assets()[-1]
    body, headers, _ = get(served, path, Accept_Encoding="identity")
    assert body == (STATIC / path).read_bytes() and "Content-Encoding" not in headers
    part, headers, status = get(served, path, Accept_Encoding="gzip", Range="bytes=0-9")
    assert status in (200, 206) and part[:10] == body[:10] and "Content-Encoding" not in headers


def test_small_files_and_other_answers_go_as_they_are(served: Server) -> None:
    small = min((STATIC / "static" / "js").glob("*.js"), key=lambda file: file.stat().st_size)
    for path in (f"static/js/{small.name}", "static/js/none.js", "api/health"):
        assert get(served, path, Accept_Encoding="gzip")[1]["Content-Encoding"] is None


def test_a_page_comes_with_the_style_of_our_own(served: Server) -> None:
    style = (Path(__file__).resolve().parents[1] / "pages" / "shared" / "look.css").read_text()
    for path in ("", "hallucination?loop=a"):
        body, headers, _ = get(served, path, Accept="text/html,*/*", Accept_Encoding="gzip, br")
        page = body.decode()
        assert style in page.partition("</head>")[0] and page.rstrip().endswith("</html>")
        assert int(headers["Content-Length"]) == len(body) and "ETag" not in headers
        assert headers["Content-Security-Policy"]
