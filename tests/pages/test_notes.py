"""Notes and decisions on a page: written, shown on the curve, edited, never interpreted."""

import json
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from pages.shared import reads
from pages.shared.asking import note_reads

RUN = "runs/overoptimization.py"


def log(folder: Path) -> Path:
    path = folder / "a.csv"
    rows = "".join(f"a,{i},{i / 10},{i / 5},{1 - i / 90}\n" for i in range(30))
    path.write_text("run_id,step,kl,proxy_reward,gold_reward\n" + rows)
    return path


def test_a_note_is_written_shown_and_edited(
    open_script: Callable[..., AppTest], tmp_path: Path
) -> None:
    page = open_script(RUN, log(tmp_path), run="a")
    page.text_area(key="note-text").input("**Stop** <script>alert(1)</script>")
    page.selectbox(key="note-decision").select("stop")
    page.number_input(key="note-at").set_value(12)
    page.text_input(key="note-by").input("Ada")
    page.button[-1].click().run()
    assert not page.exception
    shown = next(html.body for html in page.get("html") if "class='notes'" in html.body)
    assert "<strong>Stop</strong> &lt;script&gt;" in shown and "<script>" not in shown
    assert "step 12 · Ada" in shown
    figure = page.get("plotly_chart")[0]
    texts = [one["text"] for one in json.loads(figure.proto.spec)["layout"]["annotations"]]
    assert "✎ stop" in texts
    (note,) = note_reads.notes(("a",))
    note_reads.keep({"note_id": note["note_id"], "run_id": "a", "text": "Go on", "by": "Bob",
                     "decision": "continue"})  # fmt: skip
    page.run()
    shown = next(html.body for html in page.get("html") if "class='notes'" in html.body)
    assert "Go on" in shown and "edited, 1 before" in shown and "<strong>Stop</strong>" in shown


def test_a_note_without_a_name_is_refused(
    open_script: Callable[..., AppTest], tmp_path: Path
) -> None:
    page = open_script(RUN, log(tmp_path), run="a")
    page.text_area(key="note-text").input("x")
    page.button[-1].click().run()
    assert any("needs a name" in error.value for error in page.error)
    assert reads.store().query("notes", runs=None, pin=None).is_empty()
