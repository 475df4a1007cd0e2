"""The pages *Gate* and *Human checkpoints* over a store, without a browser."""

import csv
import io
import json
from pathlib import Path

import pytest

from analytics.gate import default
from analytics.gate.records.sheet import SheetError
from pages.shared.asking import gate_reads
from pages.shared.loops.gate_view import blocks

ROOT = Path(__file__).resolve().parents[2]
LOOP = ROOT / "tests" / "data" / "logs" / "loop" / "loop.toml"
EXAMPLE = ROOT / "data" / "examples" / "loop"


def text_of(page) -> str:
    parts = [*page.markdown, *page.caption, *page.header, *page.info, *page.warning, *page.error]
    html = [str(getattr(one, "proto", one)) for one in page.get("html")]
    text = "\n".join([*(str(part.value) for part in parts), *html])
    return text.replace("\\", "")  # what keeps a text from being markup


def test_a_fail_says_what_helps_and_what_other_arms_show(open_script) -> None:
    of_a_few = ROOT / "tests" / "data" / "logs" / "table" / "outcomes.csv"  # not of iteration 8
    page = open_script("loop/gate.py", EXAMPLE, of_a_few, loop="replace", iteration="8")
    assert not page.exception
    text = text_of(page)
    assert "could not be judged" not in text
    assert "FAIL" in text and "provenance" in text and "truthfulness" in text
    assert "What the literature supports" in text and "arXiv 2405.05904" in text
    assert "verified, truthfulness FAIL" in text
    assert "Nobody has reviewed iteration 8" in text


def test_a_small_loop_is_not_measured_and_a_decision_needs_a_name(open_script) -> None:
    page = open_script("loop/gate.py", LOOP, loop="replies", iteration="2", on="2026-06-16")
    assert not page.exception and "NOT MEASURED" in text_of(page)
    assert "As of 2026-06-16" in text_of(page)
    button = next(one for one in page.button if one.label == "Write it down")
    page = button.click().run()
    assert "A decision needs a name" in text_of(page)
    next(one for one in page.text_input if one.label == "Name").input("Dee")
    page = next(one for one in page.button if one.label == "Write it down").click().run()
    rows = gate_reads.decisions("replies").filter(iteration=2)
    assert rows["by"].to_list() == ["Dee"]
    assert json.loads(rows["snapshot"][0])["policy"] == default().hash


@pytest.mark.parametrize("script", ["loop/gate.py", "loop/checkpoints.py"])
def test_a_loop_that_is_not_there_is_said(open_script, script: str) -> None:
    page = open_script(script, LOOP, loop="gone")
    assert not page.exception and "which is not in this store" in text_of(page)


def test_runs_that_came_along_from_another_page_hide_no_loop(open_script) -> None:
    files = (LOOP, ROOT / "tests" / "data" / "tables" / "exact_curve.csv")
    page = open_script("loop/gate.py", *files, loop=["replies", "exact_curve"])
    assert not page.exception and not page.error and not page.warning
    assert page.selectbox(key="loop").value == "replies"
    page = open_script("loop/gate.py", *files, loop=["gone", "replies"])
    assert page.error and page.selectbox(key="loop").value == "replies"
    page = open_script("loop/gate.py", *files, loop="exact_curve")
    assert not page.exception and not page.error and not page.warning
    assert "is a run, not a loop. Shown is" in text_of(page)


@pytest.mark.parametrize("script", ["loop/gate.py", "loop/checkpoints.py"])
@pytest.mark.parametrize(("key", "value"), [("iteration", "99"), ("policy", "x"), ("on", "soon")])
def test_an_odd_address_breaks_nothing(open_script, script, key, value) -> None:
    page = open_script(script, LOOP, **{"loop": "replies", key: value})
    assert not page.exception and "replies" in str(page.selectbox[0].value)


def test_reviews_of_the_small_loop_are_told(open_script) -> None:
    """By hand: of four pairs two raters each, the new one scores (0 + 1 + 0 + .5 + .5 + 0 + 1 + 0)
    / 8 = 37.5 %."""
    page = open_script("loop/checkpoints.py", LOOP, loop="replies", iteration="1", on="2026-06-10")
    text = text_of(page)
    assert not page.exception and "Win rate 37.5 %" in text and "on 4 pairs" in text
    assert "People last reviewed iteration 1 on 2026-06-03" in text
    assert "2 raters: agreement was not measured" in text


def test_a_sheet_goes_out_blinded_and_comes_back_as_reviews(open_script) -> None:
    open_script("loop/checkpoints.py", EXAMPLE, loop="verified", iteration="1")
    policy = default()
    text = gate_reads.review_sheet("verified", 1, 0, 60, policy)
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(rows) == 60 and not {"origin", "proxy", "iteration"} & set("".join(rows[0]).split())
    for rater in ("A", "B"):
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "preferred": "tie", "rater": rater} for row in rows)
        back = gate_reads.take_sheet(
            "verified", 1, out.getvalue().encode("cp1252", "replace"), "sheet.csv", "", policy
        )
        assert back.rows.height == 60
    stored = gate_reads.reads.store().query("reviews", loops=["verified"], until=None)
    assert stored.height == 120 and set(stored["rater"]) == {"A", "B"}
    assert set(stored["origin_a"]) | set(stored["origin_b"]) == {"iteration 0", "iteration 1"}
    page = open_script("loop/checkpoints.py", loop="verified", iteration="1")
    assert "Win rate 50.0 %" in text_of(page) and "on 60 pairs" in text_of(page)
    with pytest.raises(SheetError, match="line 2, column item_id"):
        gate_reads.take_sheet("verified", 1, b"item_id,preferred\nx,a\n", "s", "A", policy)


def test_no_text_of_a_log_is_markup(open_script) -> None:
    from analytics.gate import judge
    from analytics.gate.simulated import complete_loop

    evidence = complete_loop(loop='<img src=x onerror="alert(1)">')
    html = blocks(judge(evidence, default()))
    assert "<img" not in html and "onerror=&" not in html and "?loop=%3Cimg" in html
