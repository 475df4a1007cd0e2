"""One store with a healthy run and every odd one: each page is drawn, each odd run says so."""

import base64
import json
import pkgutil
import re
from collections import OrderedDict
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from data.columns import ReadOptions
from data.incoming.importing import spool_paths
from pages.shared import reads
from pages.shared.keeping import isolation, ownership, pictured
from pages.shared.runs import run_table
from pages.shared.server import worker
from tests.odd_runs import HEALTHY, KINDS, write
from tests.pages.test_prose import faults

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path.relative_to(ROOT / "pages").as_posix()
    for path in (ROOT / "pages").glob("*/*.py") if path.parent.name != "shared"
)  # fmt: skip
MOST_CHARTS = 12
"""Of the page Components, as it says itself."""
OF_RUNS = ("components", "overoptimization", "scaling_laws")
ODD = tuple(name for name in KINDS if name.strip())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """All odd runs in one store, judged; their names as they stand there."""
    folder = tmp_path_factory.mktemp("odd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVEROPT_HOME", str(folder / "home"))
        st.cache_data.clear()
        spool_paths(folder / "home", write(folder / "logs"), ReadOptions())
        store = ownership.owner().store
        store.drain()
        assert worker.judge_all(store, Event())
        yield store.query("runs", project=None, runs=None)["run_id"].to_list()
        ownership.release()


def opened(store_home: Path, script: str, **address: object) -> AppTest:
    test = AppTest.from_file(str(ROOT / "pages" / script), default_timeout=240)
    for key, value in address.items():
        test.query_params[key] = value
    return test.run()


@pytest.fixture
def page(store: list[str], monkeypatch: pytest.MonkeyPatch):
    """Opens a page over the odd store."""
    monkeypatch.setenv("OVEROPT_HOME", str(ownership.owner().store.home))
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda script, **address: opened(ROOT, script, **address)


def words(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error]
    return "\n".join(str(part.value).replace("\\", "") for part in parts)


def whole(test: AppTest) -> AppTest:
    """A page without an exception, a fault of a single run, or a number that is none."""
    assert not test.exception, [found.message for found in test.exception]
    assert faults(test, [*KINDS, HEALTHY]) == []
    assert "could not be" not in words(test) and "judged for the first" not in words(test)
    for chart in test.get("plotly_chart"):
        finite(json.loads(chart.proto.spec, parse_constant=refused))
    return test


def refused(token: str) -> None:
    raise AssertionError(f"{token} in the JSON of a figure")


def finite(part: object) -> None:
    """No infinity in the arrays of a figure (NaN is a gap in a line)."""
    if isinstance(part, dict) and "bdata" in part:
        values = np.frombuffer(base64.b64decode(part["bdata"]), dtype=part["dtype"])
        assert not np.isinf(values).any() if values.dtype.kind == "f" else True
    for inner in (
        part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    ):
        finite(inner)


class Rows(HTMLParser):
    """The rows of the overview's table: title of the link, whether a picture, and the words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: dict[str, tuple[bool, str]] = {}
        self.name = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        attributes = dict(attrs)
        if tag == "a" and "title" in attributes:
            self.name = attributes["title"]
            self.rows[self.name] = (False, "")
        if tag == "img":
            self.rows[self.name] = (True, self.rows[self.name][1])

    def handle_data(self, data) -> None:
        if self.name:
            picture, text = self.rows[self.name]
            self.rows[self.name] = (picture, text + data)


def overview(test: AppTest) -> dict[str, tuple[bool, str]]:
    return Rows(next(part.proto.body for part in test.get("html"))).rows


def test_more_than_25_kinds_are_there(store: list[str]) -> None:
    assert len(store) > 50 and HEALTHY in store
    assert {"Healthy", "HEALTHY", " "} < set(store)


def test_the_overview_has_a_row_of_every_run_with_a_picture_or_a_sentence(page, store) -> None:
    rows = overview(whole(page("runs/overview.py"))) | overview(
        whole(page("runs/overview.py", page="2"))
    )
    assert set(rows) == set(store)
    assert rows[HEALTHY][0] and "KL" in rows[HEALTHY][1]
    for name, (picture, text) in rows.items():
        assert picture or "nothing to draw: " in text, name
        assert "being judged" not in text, name
    assert "no proxy and no gold reward was logged" in rows["kl alone"][1]
    assert rows["kl and proxy take turns"][0] and rows["kl in the first row only"][0]
    for name, (_, text) in rows.items():
        assert not re.search(r"nan|None|inf\b|e[+-]\d", text.removeprefix(name[:80])), name


@pytest.mark.parametrize("script", PAGES)
def test_every_page_opens_over_the_odd_runs(page, store: list[str], script: str) -> None:
    whole(page(script))
    if script.split("/")[1].removesuffix(".py") in OF_RUNS:
        whole(page(script, run=store))
    whole(page(script, run=[HEALTHY]))


@pytest.mark.parametrize("name", ODD)
def test_an_odd_run_beside_the_healthy_one(page, name: str) -> None:
    if name not in reads.runs()["run_id"].to_list():
        # No DuckDB integer holds such steps, and no number is read of infinities: Sources says so.
        assert name in ("steps near 2^63", "infinite everything")
        reasons = str(page("review/sources.py").dataframe[-1].value["reason"].to_list())
        assert "no row of" in reasons and "no number could be read" in reasons
        return
    test = whole(page("runs/overoptimization.py", run=[HEALTHY, name], axis="sqrt_kl"))
    drawn = json.loads(test.get("plotly_chart")[0].proto.spec)["data"]
    # alone in the chart, where the other is left out of it
    assert {f"{HEALTHY}, gold", "gold reward"} & {trace.get("name") for trace in drawn}
    reasons = " ".join(name.split())[:20]
    shown = reasons.replace("<", "‹") in json.dumps(drawn, ensure_ascii=False)
    assert shown or reasons in words(test)
    whole(page("runs/overoptimization.py", run=name, axis="step"))


@pytest.mark.parametrize("first", range(0, len(ODD), MOST_CHARTS))
def test_odd_runs_have_charts_of_their_components(page, store: list[str], first: int) -> None:
    names = [name for name in ODD if name in store][first : first + MOST_CHARTS]
    whole(page("runs/components.py", run=names))


def test_sources_names_an_odd_run(page, store: list[str]) -> None:
    whole(page("review/sources.py", run=ODD[0]))


@pytest.mark.parametrize("address", [{"band": "true"}, {"scale": "sd"}, {"axis": "kl"}])
def test_all_choices_of_the_chart(page, store: list[str], address: dict[str, str]) -> None:
    whole(page("runs/overoptimization.py", run=store, **address))
    whole(page("runs/overoptimization.py", run=[HEALTHY, "everything 1e308", "kl of 1e40"],
               **address))  # fmt: skip


BREAKS = {
    "runs/overview.py": "pages.shared.runs.run_table._cells",
    "runs/overoptimization.py": "analytics.figures.rewards.lines.Lines.gold",
    "runs/components.py": "pages.shared.asking.run_reads.components",
}
BROKEN = "constant"


def breaking(original):
    """The function, which fails on the run BROKEN."""

    def fails(*arguments, **named):
        for one in (*arguments, *named.values()):
            run = one.get("run", one) if isinstance(one, dict) else one
            run = run.get("run_id") if isinstance(run, dict) else run
            if BROKEN in (run, getattr(one, "run_id", None)):
                raise RuntimeError("a fault in one run")
        return original(*arguments, **named)

    return fails


@pytest.mark.parametrize("script", BREAKS)
def test_a_fault_in_one_run_stays_there(page, script: str, monkeypatch, caplog) -> None:
    place, name = BREAKS[script].rsplit(".", 1)
    owner = pkgutil.resolve_name(place)
    monkeypatch.setattr(owner, name, breaking(getattr(owner, name)))
    monkeypatch.setattr(pictured, "_places", OrderedDict())  # drawn before, it would be kept
    test = page(script, run=[HEALTHY, BROKEN])
    assert not test.exception
    if script.endswith("overview.py"):
        rows = overview(test) | overview(page(script, page="2"))
        assert "could not be shown: RuntimeError: a fault in one run" in rows[BROKEN][1]
        assert "KL" in rows[HEALTHY][1] and rows[HEALTHY][0]
    else:
        assert f"{BROKEN} could not be drawn: RuntimeError: a fault in one run" in words(test)
        assert HEALTHY in json.dumps(
            [json.loads(chart.proto.spec) for chart in test.get("plotly_chart")]
        )
    assert any(record.exc_info for record in caplog.records)


def test_a_run_that_cannot_be_judged_leaves_the_others(page, monkeypatch) -> None:
    verdict = reads.judging.verdict

    def fails(store, run, *further):
        if run["run_id"] == BROKEN:
            raise MemoryError
        return verdict(store, run, *further)

    monkeypatch.setattr(reads.judging, "verdict", fails)
    test = page("runs/overoptimization.py", run=[HEALTHY, BROKEN], until=["30", "30"])
    assert not test.exception
    assert f"{BROKEN} could not be read or judged: MemoryError" in words(test)
    assert "healthy" in test.get("plotly_chart")[0].proto.spec


def test_a_picture_that_cannot_be_made_is_one_sentence(page, monkeypatch) -> None:
    sparkline = reads.sparkline
    colour = reads.run_colour(dict(reads.runs().select("run_id", "ordinal").iter_rows())[BROKEN])

    def fails(curve, verdict, ink):
        if curve["run_id"][0] == BROKEN:
            raise ZeroDivisionError("of a picture")
        return sparkline(curve, verdict, ink)

    assert colour
    st.cache_data.clear()
    monkeypatch.setattr(reads, "sparkline", fails)
    reads._drawn.clear()
    rows = overview(page("runs/overview.py")) | overview(page("runs/overview.py", page="2"))
    assert rows[BROKEN] == (False, rows[BROKEN][1]) and "of a picture" in rows[BROKEN][1]
    assert rows[HEALTHY][0]
    st.cache_data.clear()


def test_faults_are_short_and_say_what_and_why() -> None:
    found = isolation.attempt("a", "drawn", lambda: int("x" * 999))
    assert isinstance(found, isolation.Fault) and found.run == "a"
    assert found.sentence.startswith("could not be drawn: ValueError: ")
    assert len(found.sentence) < 250
    assert isolation.attempt("a", "drawn", lambda: 3) == 3


def test_a_status_of_another_version_has_a_row() -> None:
    verdict = {"status": "of_tomorrow", "flags": [], "peak": None, "gold_lost": None,
               "gold_evaluations": 0}  # fmt: skip
    run = {"run_id": "a", "project": "p", "gold_evaluations": 0}
    row = {"run": run, "verdict": verdict, "colour": "#000000", "picture": "", "trainer": "t"}
    assert "of tomorrow" in run_table.run_table([run_table.Group("", [], [row])])
