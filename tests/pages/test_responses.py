"""The page of responses, without a browser: the list, filters, links, and what is missing."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from analytics.reading import Item
from analytics.reading.novelty import Trait
from analytics.reading.reading_list import why
from analytics.shortcuts import asked_of, which_have
from analytics.shortcuts.words import short
from analytics.simulated_responses import Plan, simulate_responses
from pages.shared.asking import reading_reads, shortcut_mining
from pages.shared.asking.response_asked import Filters
from pages.shared.asking.response_names import read, written
from pages.shared.responses.response_html import reading_table

Open = Callable[..., AppTest]
SCRIPT = "runs/responses.py"
ODD = "a.b/c?&=%#\"'<b>$x$:red[é]"
HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>", "[a](javascript:alert(1)) **b** `c`",
    ":material/home: :red[no] $x^2$ \\frac", "\u202eevil\u2066 \x00\x1b[2J\x07", "=1+1",
    "</div></div><style>*{display:none}</style>", "x" * 1_000_000, "",
    "[y](javascript:alert(1)) \u202e<b>\x00 " * 25_000,
]  # fmt: skip
NOUNS = ["river", "dish", "saint", "mayor", "colour", "stone", "cloud"]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A run that says "empower" from step 120 on, one without gold, one without responses."""
    folder, rng = tmp_path_factory.mktemp("responses"), random.Random(4)
    files = []
    for step in range(0, 200, 10):
        for prompt in ("p0", "p1", ODD):
            for n in range(8):
                late = step >= 120 and n < 5
                text = f"the {rng.choice(NOUNS)} is {rng.choice(NOUNS)} . so it is ."
                proxy = rng.gauss(0, 0.5) + step / 100 + 2 * late
                gold = rng.gauss(0, 0.5) - step / 100 - late
                files.append(("r", step, prompt, n, f"about <i>{prompt}</i> :",
                             "we empower you , " * late + text, proxy, gold))  # fmt: skip
    for n, text in enumerate(HOSTILE):
        files.append(("r", 100, f"h{n}", 0, text, f"so it is . {text[::-1]}", 0.0, 0.0))
        files.append(("r", 190, f"h{n}", 0, text, text, 9.0, -9.0))
    names = ["run_id", "step", "prompt_id", "sample_id", "prompt", "completion", "proxy_reward",
             "gold_reward"]  # fmt: skip
    frame = pl.DataFrame(files, names, orient="row")
    frame.write_parquet(folder / "samples.parquet")
    blind = frame.drop("gold_reward").with_columns(run_id=pl.lit("blind"))
    blind.write_parquet(folder / "blind.parquet")
    steps = pl.Series("step", range(0, 200, 10))
    rewards = {"kl": steps / 100, "proxy_reward": steps / 50, "gold_reward": 1 - steps / 500}
    pl.DataFrame(steps).with_columns(run_id=pl.lit("bare"), **rewards).write_csv(
        folder / "curve.csv"
    )
    return [folder / "samples.parquet", folder / "blind.parquet", folder / "curve.csv"]


def text_of(page: AppTest) -> str:
    assert not page.exception, page.exception
    parts = [*page.markdown, *page.caption, *page.info, *page.warning, *page.code, *page.error]
    return " ".join(" ".join(str(part.value) for part in parts).split()).replace("\\", "")


def html(page: AppTest) -> str:
    return "".join(part.proto.body for part in page.get("html"))


def test_the_list_tells_what_is_paid_for_and_shows_texts_as_they_are(
    open_script: Open, tables: list[Path]
) -> None:
    page = open_script(SCRIPT, *tables, run="r")
    assert "What r writes. Of 20 responses to read, " in text_of(page).replace("*", "")
    assert "empower" in text_of(page)
    share = reading_reads.apart("r", None)
    assert share is not None and share[0] < 0.5 < share[1]
    assert "Chance alone fills such a list" in text_of(page)
    shown = html(page)
    assert "new since step 120" in shown and "above this prompt’s start, gold " in shown
    assert "&lt;i&gt;" in shown and "<mark>we empower" in shown
    for tag in ("<script", "<img", "<i>p", 'javascript:alert(1)"', "</style>*", "\u202e", "\x1b"):
        assert tag not in shown.replace("<i class", "")
    assert "&lt;script&gt;" in shown and "show all 1,000,000 characters" in shown
    assert "[U+202E]" in shown and len(shown) < 100_000
    assert [button.label for button in page.get("download_button")] == ["The list (CSV)"]


def test_without_gold_it_says_so(open_script: Open, tables: list[Path]) -> None:
    page = open_script(SCRIPT, *tables, run="blind")
    text = text_of(page)
    assert "Gold is missing" in text and "empower" in text
    assert "gold " not in html(page).replace("gold –", "")


def links_of(shown: str, key: str) -> list[str]:
    parts = shown.replace("&amp;", "&").split('href="')[1:]
    asked = [parse_qs(urlsplit(part.split('"')[0]).query) for part in parts]
    return list(dict.fromkeys(one[key][0] for one in asked if key in one))


def test_a_link_leads_to_one_response_beside_its_start(
    open_script: Open, tables: list[Path]
) -> None:
    named = links_of(html(open_script(SCRIPT, *tables, run="r")), "response")
    assert any(ODD in one for one in named)
    odd = written({"phase": "train", "step": 190, "prompt_id": ODD, "sample_id": 0})
    page = open_script(SCRIPT, run="r", response=odd)
    text, shown = text_of(page), html(page)
    assert "Step 190" in text and "Step 0" in text
    assert "<del>" in shown and "<ins>we empower you" in shown
    assert f"prompt={'a.b'}" in text  # all responses to the prompt
    against = written({"phase": "train", "step": 180, "prompt_id": ODD, "sample_id": 1})
    page = open_script(SCRIPT, run="r", response=odd, **{"with": against})
    assert "Step 180" in text_of(page) and "Step 0 " not in text_of(page)


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_responses_are_shown_as_they_are(
    open_script: Open, tables: list[Path], number: int
) -> None:
    page = open_script(SCRIPT, *tables, run="r", response=f"190.h{number}.0")
    shown = html(page)
    assert not page.exception
    assert "Step 100" in text_of(page) and "Step 190" in text_of(page)  # beside each other, marked
    assert shown.count('<div class="dif"') == 2 and ("<ins>" in shown or not HOSTILE[number])
    for tag in ("<script", "<img", "</style>*", "<b>", "\u202e", "\x1b", "\x00"):
        assert tag not in shown
    assert len(shown) < 600_000
    assert ("The whole text" in str(page.get("download_button"))) == (len(HOSTILE[number]) > 20_000)


def test_what_is_not_there_is_said(open_script: Open, tables: list[Path]) -> None:
    assert "not in this run" in text_of(open_script(SCRIPT, *tables, run="r", response="5.x.1"))
    assert "not in this run" in text_of(open_script(SCRIPT, run="r", response="nothing"))
    assert "bare has no logged responses" in text_of(open_script(SCRIPT, run="bare"))
    assert "log_completions=True" in text_of(open_script(SCRIPT, run="bare"))
    assert "nobody, which is not in this store" in text_of(open_script(SCRIPT, run="nobody"))
    assert "names no response" in text_of(open_script(SCRIPT, run="r", after="no"))
    frozen = open_script(SCRIPT, run="r", response="190.p0.1", until="100")
    assert "up to the step at which this view is frozen" in text_of(frozen)


def test_filters_hold_in_the_list_and_below(open_script: Open, tables: list[Path]) -> None:
    page = open_script(
        SCRIPT, *tables, run="r", **{"from": "130", "to": "170", "q": "Empower", "prompt": "p1"}
    )
    named = [read(one) for one in links_of(html(page), "response")]
    assert len(named) == 25 and all(one and one.prompt == "p1" for one in named)
    assert {one.step for one in named if one} == {130, 140, 150, 160, 170}
    page = open_script(SCRIPT, run="r", q="^so|empower (me|you)", regex="true", proxy_from="4")
    assert 0 < len(links_of(html(page), "response")) < 45
    assert "regex=true" in text_of(page) and "proxy_from=4" in text_of(page)
    page = open_script(SCRIPT, run="r", apart="900", **{"from": "1e30"})
    assert "No response fits these filters" in text_of(page)
    assert "asks for from step 1e30, which is not a whole number that can" in text_of(page)


def test_a_bad_expression_gets_a_sentence(open_script: Open, tables: list[Path]) -> None:
    for pattern in ("(a", "[", "a" * 500, "(?=x)", "(a{1000}){1000}"):
        text = text_of(open_script(SCRIPT, *tables, run="r", q=pattern, regex="true"))
        assert "cannot be used: " in text and "Mend it" in text


def test_a_freeze_holds(open_script: Open, tables: list[Path]) -> None:
    page = open_script(SCRIPT, *tables, run="r", until="100")
    assert "frozen at step 100" in text_of(page) and "empower" not in text_of(page)
    named = [read(one) for one in links_of(html(page), "response")]
    assert named and all(one and one.step <= 100 for one in named)


def test_every_response_is_on_one_page(open_script: Open, tables: list[Path]) -> None:
    seen: list[str] = []
    asked: dict[str, str] = {"to": "190", "from": "170"}
    for _ in range(9):
        page = open_script(SCRIPT, *tables, run="r", **asked)
        own = links_of(page.get("html")[-1].proto.body, "response")
        seen += own
        if len(own) < 25:
            break
        asked["after"] = own[-1]
    assert len(seen) == len(set(seen)) == 3 * 24 + len(HOSTILE)


def test_names_of_responses_are_read_as_written() -> None:
    for prompt in ("", ".", "a.b", "eval.", "1.2.3", ODD, "\x00", "é" * 99):
        for phase in ("train", "eval", "mixed"):
            for step, number in ((0, 0), (-3, 7), (10**12, 10**9)):
                row = {"phase": phase, "step": step, "prompt_id": prompt, "sample_id": number}
                assert read(written(row)) == (phase, step, prompt, number)
    for wrong in ("", "1", "1.2", "x.y.z", "1.p.x", "9" * 40 + ".p.1", "eval", "eval."):
        assert read(wrong) is None


def mined(page: AppTest) -> AppTest:
    """The page once its run is mined; each look is quick, whatever the mining takes."""
    end = time.monotonic() + 60
    while "being mined" in text_of(page):
        assert time.monotonic() < end
        time.sleep(0.1)
        page = page.run()
    return page


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A run that is paid for a phrase, with a hostile text behind it; the same without gold."""
    small = Plan("phrase", 0.8, steps=40, a_step=10, samples=6, prompts=50, pay=2.0)
    frame, _ = simulate_responses(small, 5)
    evil = "<script>alert(1)</script> [a](javascript:alert(1)) \u202e\x1b[2J :red[no] $x$"
    late = pl.col("completion").str.contains("rest assured")
    frame = frame.with_columns(
        completion=pl.when(late).then(evil + " " + pl.col("completion")).otherwise("completion"),
        run_id=pl.lit("planted"),
    )
    file = tmp_path_factory.mktemp("planted") / "samples.parquet"
    blind = frame.drop("gold_reward").with_columns(run_id=pl.lit("no gold"))
    pl.concat([frame, blind], how="diagonal").write_parquet(file)
    return [file]


def test_what_it_is_paid_for_comes_without_waiting(
    open_script: Open, planted: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_script(SCRIPT, *planted, run="planted", shortcut=["no such", "says “rest”"])
    assert "being mined" in text_of(first) and len(first.get("html")) == 2  # lists are there before
    assert "Not yet only those with" in text_of(first)
    assert "asks for several shortcuts; only the last one counts, says “rest”" in text_of(first)
    del first.query_params["shortcut"]
    page = mined(first)
    text = text_of(page)
    assert "It is paid for what gold marks down: " in text
    (table,) = page.dataframe
    row = (
        table.value.to_dicts()[0]
        if hasattr(table.value, "to_dicts")
        else (table.value.to_dict("records")[0])
    )
    assert row["at the start"] == "3 %" and "(" in row["proxy pays (95 %)"]
    assert row["gold says (95 %)"].startswith("−")
    links = " ".join(part.value for part in page.markdown)
    assert links.count("/responses?run=planted&response=") >= 5
    assert "](javascript" not in links and 'href="javascript' not in html(page)
    for tag in ("<script", "\u202e", "\x1b"):
        assert tag not in links and tag not in html(page)
    assert "paid for: " in html(page)  # a reason of the reading list
    assert "What planted is paid for. Of 20 responses to read, " in text.replace("*", "")
    monkeypatch.setattr(shortcut_mining, "_result", None)  # mined once for all readers
    assert "It is paid for" in text_of(page.run())
    asked = next(one for one in links_in(links, "shortcut"))
    page = open_script(SCRIPT, run="planted", shortcut=asked, **{"from": "20"})
    assert f"shortcut={quote(asked)}" in text_of(page).replace("+", "%20")
    assert "Those that fit the filters, of " in text_of(page)
    shown = page.get("html")[-1].proto.body
    named = links_of(shown, "response")
    assert len(named) == 25
    monkeypatch.setattr(reading_reads, "LOOKED_AT", 70)
    monkeypatch.setattr(reading_reads, "MOST_LOOKED", 140)
    known = shortcut_mining.mined("planted", None)
    filters = Filters(first=20, last=999, shortcut=asked)  # not the page that is kept
    (rule,) = (one for one in asked_of(known.mined) if short(one[0]) == asked)
    seen, after = [], None
    while True:  # bounded pages, one after the other, come by every response once
        told_of = reading_reads.page("planted", None, filters, after, (rule,))
        assert told_of.looked <= 140 and told_of.rows.height <= 25
        seen += [written(row) for row in told_of.rows.to_dicts()]
        if told_of.further is None and told_of.rows.height < 25:
            break
        after = read(told_of.further or seen[-1])
    assert seen[:25] == named and len(seen) == len(set(seen)) > 100
    frame = pl.read_parquet(planted[0]).filter(pl.col("step") >= 20, run_id="planted")
    assert len(seen) == sum(which_have((rule,), frame)[rule[0]]) < frame.height


def links_in(markdown: str, key: str) -> list[str]:
    queries = (parse_qs(urlsplit(part.split(")")[0]).query) for part in markdown.split("](")[1:])
    return [one[key][0] for one in queries if key in one]


def test_marked_is_what_is_paid_for() -> None:
    row = {"step": 9, "prompt_id": "p", "prompt": "q", "gain": 1.0, "loss": 1.0, "own": True,
           "completion": "moreover , Rest assured it is so .", "letters": 34}  # fmt: skip
    grown = (Trait("phrase", "moreover", True, "says “moreover”, new since step 4"),)
    for shortcuts, marked in (
        (("no hedges", "says “rest assured”"), "<mark>Rest assured</mark>"),
        ((), "<mark>moreover</mark>"),
        (("no hedges",), "moreover , Rest assured it"),
    ):
        item = Item(row, grown, shortcuts, why(row, grown, shortcuts))
        table = reading_table([item], {}, lambda _: "/responses?run=r", 3)
        assert marked in table and ("<mark>" in table) == ("<mark>" in marked)
        assert "34 characters" in table


def test_what_is_gone_is_marked_where_it_was_and_a_late_start_says_so() -> None:
    row = {"step": 9, "prompt_id": "p", "prompt": "q", "gain": 1.0, "loss": 1.0, "own": True,
           "completion": "it is so . Perhaps .", "letters": 20}  # fmt: skip
    began = {"p": {"step": 4, "completion": "Maybe it is so", "letters": 14}}
    for shortcut, marked in (("no hedges", "Maybe"), ("hedges", "Perhaps")):
        item = Item(row, (), (shortcut,), why(row, (), (shortcut,)))
        table = reading_table([item], began, lambda _: "/responses?run=r", 3)
        assert f"<mark>{marked}</mark>" in table and table.count("<mark>") == 1
    late = "step 4, where this prompt was first drawn · 14 characters"
    assert late in table
    assert late not in reading_table([item], began, lambda _: "/responses?run=r", 4)


def test_without_gold_it_asks_for_a_look(open_script: Open, planted: list[Path]) -> None:
    text = text_of(mined(open_script(SCRIPT, *planted, run="no gold")))
    assert "It is paid for what it did not do at the start" in text
    assert "whether that is wrong is not known" in text


def test_a_mining_that_fails_is_said_and_the_page_goes_on(
    open_script: Open, tables: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("<b>no memory</b>")

    monkeypatch.setattr(shortcut_mining, "_miner", shortcut_mining.Miner())
    monkeypatch.setattr(shortcut_mining, "_result", broken)
    page = mined(open_script(SCRIPT, *tables, run="r"))
    assert "could not be mined: RuntimeError: <b>no memory</b>" in text_of(page)
    assert "Of 20 responses to read" in text_of(page)


def test_too_few_prompts_cannot_tell(open_script: Open, tables: list[Path]) -> None:
    text = text_of(mined(open_script(SCRIPT, *tables, run="r")))
    assert "What it is paid for is not known: " in text and "it takes" in text
