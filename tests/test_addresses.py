"""Every key of an address with every kind of value: no page fails, and the server's log is clean.

Sessions without a browser; what a page shows of them is looked at in tests/browser/test_hostile.py.
"""

from __future__ import annotations

import random
import re
import urllib.request
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from bench.sessions import Session
from data.columns import ReadOptions
from data.incoming.importing import import_paths
from pages.shared.server.styled import CHARTED
from tests.server import Server, servers

EXAMPLES = Path(__file__).resolve().parents[1] / "data" / "examples"
SHOWN = {
    "/": [], "/overoptimization": [("run", "r3_grpo_bigrm")],
    "/components": [("run", "r3_grpo_bigrm")], "/best-of-n": [("run", "bon_pool")],
    "/scaling": [], "/hallucination": [("loop", "replace")], "/calibration": [("loop", "replace")],
    "/answers": [("loop", "replace")], "/training-set": [("loop", "replace")], "/sources": [],
    "/quality": [], "/this-week": [], "/alerts": [], "/responses": [("run", "r3_grpo_bigrm")],
}  # fmt: skip
KEYS = (
    "at", "axis", "band", "bins", "by", "change", "component", "ensemble", "family", "gold",
    "grade", "iteration", "kl", "knowledge", "loop", "member", "of", "origin", "page", "penalty",
    "pin", "project", "q", "question", "rewards", "run", "scale", "scenario", "simulated", "since",
    "size", "tau", "topic", "until", "verdict", "with", "x", "nobody-knows", "after", "apart",
    "environment", "from", "gold_from", "prompt", "proxy_to", "regex", "response", "shortcut", "to",
)  # fmt: skip
VALUES = (
    "inf", "-inf", "nan", "1e400", "-1", "0", "1.5", "9" * 30, "9" * 5_000, "", " ", "null", "true",
    "\x00", "a" * 5_000, "![x](http://evil.example/a.png):material/home:$x^2$<b>b</b>", "=1+1",
    "'; drop table runs; --", "../../etc/passwd", "[]", "{}", "%", "\u202e",
    "r3_grpo_bigrm", "replace",
)  # fmt: skip
EVERY = [(page, key, value) for page in SHOWN for key in KEYS for value in VALUES]
FOUND = [  # each of these has failed once
    ("/hallucination", "with", "inf"), ("/answers", "with", "inf"), ("/answers", "page", "inf"),
    ("/answers", "until", "-1"), ("/overoptimization", "until", "9" * 30),
    ("/", "pin", "\u202e"), ("/answers", "pin", ""), ("/responses", "from", "9" * 30),
    ("/responses", "run", "nobody"),
]  # fmt: skip


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("addresses")
    logs = [EXAMPLES / name for name in ("r3_grpo_bigrm", "loop", "bon_pool.parquet")]
    import_paths(home, [log for log in logs if log.exists()], ReadOptions())
    with servers(tmp_path_factory) as start:
        yield start(home=home)


def failures(served: Server, asked: list[tuple[str, str, str]]) -> list[str]:
    """What failed, of addresses that are opened one after the other."""
    found = []
    for page, key, value in asked:
        chosen = [(k, v) for k, v in SHOWN[page] if k != key] + [(key, value)]
        with Session(served.url) as session:
            drawn = session.open(f"{page}?{urlencode(chosen)}")
        found += [f"{page} {key}={value[:40]!r}: {one[:200]}" for one in drawn.failed]
    return found


def test_a_sample_of_all_addresses(bundled: Server) -> None:
    asked = FOUND + random.Random(8).sample(EVERY, 20)
    assert failures(bundled, asked) == []
    assert "Traceback" not in bundled.log()


def test_a_choice_of_axis_draws_the_chart_anew_and_no_more(bundled: Server) -> None:
    with Session(bundled.url) as session:
        whole = session.open("/overoptimization?run=r3_grpo_bigrm")
        drawn = session.choose(whole.choices["Axis: step"])
        kinds = [element.WhichOneof("type") for element in session.elements]
        (link,) = (one.code.code_text for one in session.elements if one.HasField("code"))
        asked = urlsplit(link)
        again = session.open(f"{asked.path}?{asked.query}")
    assert whole.charts == drawn.charts == again.charts == 1
    assert drawn.elements <= 12 < whole.elements, kinds
    assert "axis=step" in link
    assert not whole.failed + drawn.failed + again.failed


def test_pages_that_begin_with_charts_fetch_plotly_at_once(bundled: Server) -> None:
    """A script that a page does not need would hold up what it does need."""
    shown = SHOWN | {"/provenance": [("loop", "replace")], "/gate": [("loop", "replace")]}
    for page, chosen in shown.items():
        asked = urllib.request.Request(bundled.url + page, headers={"Accept": "text/html"})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            scripts = re.findall(r'href="\./(static/js/PlotlyChart[^"]*)"', answer.read().decode())
        assert len(scripts) == (page.strip("/") in CHARTED), page
        if scripts:
            with Session(bundled.url) as session:
                assert session.open(f"{page}?{urlencode(chosen)}").charts, page
            with urllib.request.urlopen(f"{bundled.url}/{scripts[0]}", timeout=60) as answer:
                assert answer.status == 200
    assert set(CHARTED) <= {page.strip("/") for page in shown}


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_many_addresses(bundled: Server) -> None:
    assert failures(bundled, random.Random(9).sample(EVERY, 1_500)) == []
    assert "Traceback" not in bundled.log()
