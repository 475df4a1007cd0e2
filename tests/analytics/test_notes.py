"""Notes: what is decided in words, marks on a curve, and Markdown that never becomes more."""

from __future__ import annotations

import datetime

import plotly.graph_objects as go
import polars as pl
import pytest

from analytics.figures.drawing.curves import RunCurve
from analytics.figures.runs.notes import MOST, mark_notes
from analytics.review.markdown import note_html
from analytics.words.notes import decided, overdue
from tests.tags import Seen

CURVE = pl.DataFrame({
    "step_start": [1, 11, 21], "step_end": [10, 20, 30], "kl": [0.0, 4.0, 9.0],
    "proxy_reward": [0.0, 1.0, 2.0], "gold_reward": [0.0, 1.0, 0.5], "n_rows": [10, 10, 10],
})  # fmt: skip
NOTE = {"run_id": "a", "step": 15, "text": "here", "by": "Ada", "decision": "stop",
        "owner": "Bob", "due": "2026-12-04", "iteration": None, "topic": None}  # fmt: skip


def marks(notes: list[dict], axis: str = "sqrt_kl") -> list[tuple[float, str]]:
    figure = go.Figure()
    run = RunCurve("a", 0, CURVE, pl.DataFrame(), {})
    mark_notes(figure, [run], notes, axis)
    assert len(figure.layout.shapes) == len(figure.layout.annotations)
    return [(note.x, note.text) for note in figure.layout.annotations]


def test_a_note_stands_where_its_step_is() -> None:
    assert marks([NOTE]) == [(2.0, "✎ stop")]
    assert marks([NOTE], "kl") == [(4.0, "✎ stop")]
    assert marks([NOTE], "step") == [(15.0, "✎ stop")]
    assert marks([NOTE | {"step": 99}]) == [(3.0, "✎ stop")]  # the nearest
    assert marks([NOTE | {"decision": None}]) == [(2.0, "✎ note")]


def test_a_note_of_another_run_or_of_the_whole_is_not_on_the_curve() -> None:
    assert marks([NOTE | {"run_id": "b"}, NOTE | {"step": None}]) == []
    assert len(marks([NOTE] * 40)) == MOST


def test_what_was_decided() -> None:
    assert decided(NOTE) == "stop · Bob · due 2026-12-04"
    late = datetime.date(2026, 12, 5)
    assert decided(NOTE, late).endswith("due 2026-12-04, overdue")
    assert not overdue(NOTE | {"decision": "continue"}, late)
    assert not overdue(NOTE, datetime.date(2026, 12, 4))


HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<b onmouseover=alert(1)>x</b>",
    "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](data:text/html;base64,PHN2Zz4=)",
    "[x](vbscript:msgbox)", "[x](\x01javascript:alert(1))", "[x](java\nscript:alert(1))",
    "![x](http://evil.example/a.png)", "[x](//evil.example/a)", "<http://a.example/<script>>",
    "<javascript:alert(1)>", "[x]: javascript:alert(1)\n\n[x]", "$\\href{javascript:alert(1)}{x}$",
    ":material/home:", ":red[x]", "=HYPERLINK(\"http://evil.example\")", "\u202egpj.exe",
    "```<script>\nalert(1)\n```", "`<img src=x>`", "<!-- <script> -->", "<svg/onload=alert(1)>",
    '[a](http://x.example/"onmouseover="alert(1))', '[a](http://x.example "<img src=x>")',
    "&lt;script&gt;alert(1)&lt;/script&gt;", "<style>*{display:none}</style>", "]]>", "[" * 5000,
    "> " * 3000 + "x", "* " * 3000, "x" * 1_000_000, "<a href='javascript:alert(1)'>x</a>",
    "# <h1>\n\n---\n", "| a | b |\n|---|---|\n| <i> | 2 |", "\x00", "\ud800",
]  # fmt: skip
ALLOWED = {"p", "strong", "em", "code", "pre", "ul", "ol", "li", "blockquote", "a", "br", "hr"}

ATTRIBUTES = {"a": {"href", "title", "rel", "target"}, "ol": {"start"}, "code": {"class"}}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_markdown_of_a_stranger_is_text(text: str) -> None:
    made = note_html(text)
    assert len(made) < 500_000 and "\u202e" not in made
    for tag, attributes in Seen(made).tags:
        assert tag in ALLOWED
        assert set(attributes) <= ATTRIBUTES.get(tag, set())
        if tag == "a":
            assert (attributes["href"] or "").startswith(("http://", "https://", "mailto:", "/"))
            assert not (attributes["href"] or "").startswith("//")


def test_markdown_is_read() -> None:
    made = note_html("# Stop\n**now** and `kl`\n\n- [why](https://a.example)\n- [run](/quality)")
    assert "<strong>Stop</strong>" in made and "<strong>now</strong>" in made
    assert '<a href="https://a.example" rel="noopener noreferrer nofollow"' in made
    assert '<a href="/quality"' in made and "<h1>" not in made and "<code>kl</code>" in made
