"""The pages Iterations and Provenance, without a browser, over made and over real loops."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import analytics.__main__
from data import spool
from data.columns import ReadOptions
from data.home import home as made_home
from data.incoming.importing import import_paths
from pages.shared.keeping import ownership

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "data" / "examples" / "loop"
LOGS = ROOT / "tests" / "data" / "logs" / "loop"
Show = Callable[..., str]


@pytest.fixture(scope="module")
def loop_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real arms, their first and last iterations, measured; and a small made loop."""
    folder = tmp_path_factory.mktemp("loops")
    few = tmp_path_factory.mktemp("few")
    some = pl.col("loop").is_in(["replace", "verified"]) & pl.col("iteration").is_in([0, 1, 8])
    for name in ("answers", "metrics", "corpus", "generations"):
        pl.read_parquet(EXAMPLES / f"{name}.parquet").filter(some).write_parquet(
            few / f"{name}.parquet"
        )
    import_paths(folder, [few, LOGS / "loop.toml"], ReadOptions())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVEROPT_HOME", str(folder))
        assert analytics.__main__.main(["collapse", "--json"]) == 0
    return folder


@pytest.fixture
def loop(loop_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVEROPT_HOME", str(loop_home))


@pytest.fixture
def show() -> Iterator[Show]:
    """Call it with a script and an address for everything that the page says."""

    def shown(script: str, marked: bool = False, **address: str | list[str]) -> str:
        test = AppTest.from_file(str(ROOT / "pages" / "loop" / f"{script}.py"), default_timeout=240)
        for key, value in address.items():
            test.query_params[key] = value
        test.run()
        assert not test.exception, test.exception
        parts = [*test.title, *test.header, *test.caption, *test.markdown, *test.info]
        parts += [*test.warning, *test.error, *test.code]
        tables = [str(frame.value.to_dict("records")) for frame in test.dataframe]
        html = [str(block.proto.body) for block in test.get("html")]
        text = " ".join(" ".join([*(str(p.value) for p in parts), *tables, *html]).split())
        plain = text.replace("\\", "").replace("\u2060", "")
        return plain if not marked else " ".join(html)

    yield shown
    ownership.release()
    st.cache_data.clear()


def cells(page: str, title: str) -> list[tuple[str, str]]:
    """Class and text of the cells of the first row of a title."""
    (row, *_) = re.findall(rf"<tr><th[^>]*>{re.escape(title)}</th>(.*?)</tr>", page)
    found = re.findall(r"<td class='([^']*)'[^>]*>(.*?)</td>", row)
    return [(kind, re.sub(r"<[^>]+>", " ", text).strip()) for kind, text in found]


def test_the_real_loop_tells_its_story(loop: None, show: Show) -> None:
    page = show("iterations", loop="replace")
    wrong = cells(page, "Wrong answers")
    assert [kind for kind, _ in wrong] == ["", "worse", "worse"]
    assert "13.2 %" in wrong[0][1] and "76.0 %" in wrong[2][1]
    gold = cells(page, "Gold reward")
    assert [kind for kind, _ in gold] == ["", "worse", "worse"]
    assert "0.745" in gold[0][1] and "0.323" in gold[2][1]
    assert "21.4" in cells(page, "KL from the base, nats")[2][1]
    proxy = cells(page, "Proxy reward")
    assert proxy[2][0] == "changed" and "3.94" in proxy[2][1]
    assert [text.endswith("never") for _, text in cells(page, "Last human checkpoint")] == [
        True
    ] * 3
    (sentence,) = re.findall(r"replace: (.*?) failed first, at iteration 1 \(", page)
    assert sentence.startswith("gold reward, wrong answers")
    assert 'href="/hallucination?loop=replace"' in page


def test_what_was_verified_is_not_what_was_forgotten(loop: None, show: Show) -> None:
    page = show("iterations", loop="verified")
    assert cells(page, "Gold reward")[2][0] == "better"
    assert cells(page, "Wrong outside the trained-on pool")[2][0] == "worse"
    assert "0 % false" in cells(page, "Verified training claims")[1][1]


def test_arms_stand_beside_each_other(loop: None, show: Show) -> None:
    page = show("iterations", loop=["replace", "verified"])
    assert "One scale a row" in page and page.count("<table>") == 3
    # The story stands above them: where each began and where it is, by its last test.
    story = page[page.index("class='brd story'") :].partition("</table>")[0]
    rows = re.findall(r"<th scope='row'>(\w+)</th>(.*?)</tr>", story)
    assert [name for name, _ in rows] == ["replace", "verified"]
    texts = [re.sub(r"<[^>]+>", "", row) for _, row in rows]
    assert "▼0.745 → 0.323" in texts[0] and "▼13.2 % → 76.0 %" in texts[0]
    assert "0 → 21.4" in texts[0] and "−0.067 → 3.943" in texts[0]
    assert "▲0.745 → 0.912" in texts[1] and "▼14.2 % → 48.2 %" in texts[1]
    assert story.count(" failed first, at iteration ") == 2


def test_reviews_and_decisions_of_a_loop_are_told(loop: None, show: Show) -> None:
    page = show("iterations", loop="replies")
    people = [text for _, text in cells(page, "Last human checkpoint")]
    assert "never" in people[0] and "here" in people[1] and "1 ago" in people[2]
    assert "continue" in cells(page, "Decision")[1][1] and "Dee" in page
    assert "60 %" in cells(page, "Verified training claims")[1][1]


def test_a_frozen_view_knows_nothing_later(loop: None, show: Show) -> None:
    page = show("iterations", loop="replace", until="1")
    assert len(cells(page, "Wrong answers")) == 2 and "76.0 %" not in page


def test_a_loop_that_is_not_there_is_named(loop: None, show: Show) -> None:
    assert "not in this store" in show("iterations", loop="nobody")
    assert "not in this store" in show("provenance", loop="nobody")


def test_names_from_logs_stay_text(home: Path, tmp_path: Path, show: Show) -> None:
    name = "<script>alert(1)</script> [x](http://y)"
    rows = [
        {"loop": name, "iteration": i, "origin": "human", "generator_iteration": None,
         "documents": 3, "tokens": 9} for i in range(2)
    ]  # fmt: skip
    pl.DataFrame(rows).write_parquet(tmp_path / "corpus.parquet")
    import_paths(home, [tmp_path / "corpus.parquet"], ReadOptions())
    spool.write_decision(home, {
        "loop": name, "iteration": 1, "decision": "<b>stop</b>", "by": "<i>x</i>", "at": "2026",
    })  # fmt: skip
    written = show("iterations", marked=True)
    assert "alert(1)" in written and "<script>alert" not in written
    assert "<b>stop" not in written and "<i>x</i>" not in written
    assert "nothing is measured" in show("iterations")


def test_provenance_of_the_real_loop(loop: None, show: Show) -> None:
    page = show("provenance", loop="replace")
    assert "at iteration 8, 100 % of the text was written by the loop itself" in page
    assert "no such column" in page
    assert "of 1,000 questions, up to 47 stand whole and 0 nearly in the text that" in page


def test_what_a_corpus_does_not_say_is_counted(loop: None, show: Show) -> None:
    page = show("provenance", loop="replies")
    assert "'without licence': '35 %'" in page and "'without reward model': '100 %'" in page
    assert "'greatest depth': 2" in page and "as stated" in page


def test_without_a_loop_a_page_says_what_to_bring(home: Path, tmp_path: Path, show: Show) -> None:
    made_home().mkdir(exist_ok=True)
    (tmp_path / "r.csv").write_text("run_id,step,kl,proxy_reward,gold_reward\nr,1,1,1,1\n")
    import_paths(home, [tmp_path / "r.csv"], ReadOptions())
    for script in ("iterations", "provenance"):
        assert "There is no loop in the store yet" in show(script)
