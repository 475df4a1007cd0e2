"""What a reader meets on the pages of runs, in a real browser on the bundled runs."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Download, expect

from tests.browser.stores import EXAMPLES, ROOT, command, filled

FIGURE = """() => {
  const gd = document.querySelector('.js-plotly-plot');
  return JSON.stringify({
    data: gd._fullData.map(t => ({name: t.name, x: Array.from(t.x), y: Array.from(t.y),
      bars: t.error_y && t.error_y.array ? Array.from(t.error_y.array) : []})),
    shapes: gd.layout.shapes, notes: (gd.layout.annotations || []).map(a => a.text)});
}"""


def figure_of(view) -> dict:
    return json.loads(view.page.evaluate(FIGURE))


def listed(view) -> list[str]:
    """The runs of the overview from top to bottom."""
    return view.page.locator(".ovr a:not(.rates)").all_inner_texts()


def test_first_request_after_a_start_may_be_a_deep_link(bundled, open_page) -> None:
    bundled.restart(signal.SIGKILL)
    view = open_page(f"{bundled.url}/overoptimization?run=r3_grpo_bigrm")
    view.says("is past its gold peak")
    view.until(view.page.title, "r3_grpo_bigrm overoptimized · Overoptimization")
    view.until(view.page.locator('[data-testid="stSidebarNavLink"]').count, lambda n: n >= 2)
    drawn = view.until(
        lambda: figure_of(view), lambda drawn: "gold peaks here" in " ".join(drawn["notes"])
    )
    assert any("alarm: step" in note for note in drawn["notes"])
    chart = view.page.locator('[data-testid="stPlotlyChart"]').first
    words = view.until(  # for who does not see it
        lambda: chart.evaluate('e => e.outerHTML.match(/aria-label="([^"]*)"/)?.[1]'),
        lambda words: words and "is past its gold peak" in words,
    )
    assert "gold" in words and " to " in words
    assert any(shape["type"] == "rect" for shape in drawn["shapes"])
    assert view.whole().page.locator('[data-testid="stDialog"]').count() == 0
    assert "Traceback" not in bundled.log()


def test_on_a_phone_a_row_is_two_lines_and_tells_the_rest_when_asked(bundled, open_page) -> None:
    view = open_page(bundled.url, charts=False, width=390)
    rows = view.page.locator('.ovr [role="row"]:not(.head)')
    view.until(rows.count, 9)
    row = view.page.locator('.ovr [role="row"]', has_text="r3_grpo_bigrm")
    high = "es => Math.max(...es.map(e => e.getBoundingClientRect().height))"
    assert rows.evaluate_all(high) < 72
    for text in ("r3_grpo_bigrm", "overoptimized", "measure"):
        expect(row.get_by_text(text, exact=True)).to_be_visible()
    peak = row.get_by_text("gold peaks at")
    expect(peak).to_be_hidden()
    row.locator("summary").click()
    expect(peak).to_be_visible()
    expect(row.locator("img")).to_be_visible()
    view.fits()


def test_overview_puts_the_most_pressing_run_first(bundled, open_page) -> None:
    view = open_page(bundled.url, charts=False)
    every = [
        "accumulate", "bon_pool", "r2_grpo_highkl", "r3_grpo_bigrm", "r5_rloo", "r6_grpo_resume",
        "random_control", "replace", "verified",
    ]  # fmt: skip
    view.until(lambda: sorted(listed(view)), every)
    view.until(lambda: "being judged" in view.text(), False)
    names = view.until(
        lambda: listed(view), lambda names: names[-3:] == ["r2_grpo_highkl", "verified", "bon_pool"]
    )
    assert names.index("r3_grpo_bigrm") < names.index("r6_grpo_resume")  # of unknown noise
    statuses = re.findall(r"9 of 9 runs: ([^.]*)\.", view.text())
    assert sum(map(int, re.findall(r"\d+", statuses[0]))) == len(every), statuses
    view.page.evaluate("window.here = true")
    view.page.locator(".ovr a:not(.rates)", has_text="r5_rloo").click()
    view.page.wait_for_url("**/overoptimization?run=r5_rloo")
    view.charts()
    assert view.page.evaluate("window.here")  # in place: the app was not loaded again
    view.page.go_back()
    view.until(lambda: len(listed(view)), len(every))


def test_ticked_runs_are_compared_by_one_link(bundled, open_page) -> None:
    view = open_page(bundled.url, charts=False)
    link = view.page.get_by_role("link", name="Compare 2 runs")
    for name in ("r3_grpo_bigrm", "r5_rloo"):
        expect(link).to_have_count(0)
        view.page.get_by_role("checkbox", name=f"Compare {name}").check()
    link.click()
    view.page.wait_for_url("**/overoptimization?run=r3_grpo_bigrm&run=r5_rloo")
    view.says("r3_grpo_bigrm", "r5_rloo", "Why").charts()


def test_filters_groups_and_orders_are_in_the_address(bundled, open_page) -> None:
    asked = "group=algorithm&sort=name&q=RESUME+r6&status=overoptimized"
    view = open_page(f"{bundled.url}/?{asked}", charts=False)
    view.until(lambda: listed(view), ["r6_grpo_resume"])
    view.says("algorithm")
    view = open_page(f"{bundled.url}/?sort=name", charts=False)
    view.until(lambda: listed(view) == sorted(listed(view), key=str) and len(listed(view)), 9)


def test_choices_go_to_the_address_and_back(bundled, open_page) -> None:
    host = bundled.url.replace("localhost", "127.0.0.1")
    view = open_page(f"{host}/overoptimization?run=r3_grpo_bigrm")
    view.page.get_by_role("radio", name="KL", exact=True).click()
    view.asks(axis=["kl"])
    view.page.get_by_role("radio", name="in sd of the start").click()
    view.asks(axis=["kl"], scale=["sd"])
    link = view.link(axis=["kl"], scale=["sd"])
    assert link.startswith(f"{host}/overoptimization?")  # the reader's host, and every choice
    asked = parse_qs(urlsplit(link).query)
    assert asked == {"run": ["r3_grpo_bigrm"], "axis": ["kl"], "scale": ["sd"], "until": ["400"]}
    view.page.keyboard.press("Escape")
    again = open_page(view.page.url)
    for name in ("KL", "in sd of the start"):
        expect(again.page.get_by_role("radio", name=name, exact=True)).to_be_checked()
    view.page.get_by_role("radio", name="√KL", exact=True).click()
    view.asks(axis=None, scale=["sd"])


def test_back_and_forward_bring_the_choices_of_then(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/overoptimization?run=r3_grpo_bigrm")

    def axis(name: str) -> None:
        expect(view.page.get_by_role("radio", name=name, exact=True)).to_be_checked()

    for name, asked in (("KL", ["kl"]), ("step", ["step"])):
        view.whole().page.get_by_role("radio", name=name, exact=True).click()
        view.asks(axis=asked)
    view.whole().page.go_back()
    view.asks(axis=["kl"])
    axis("KL")
    view.page.go_back()
    view.asks(axis=None)
    axis("√KL")
    view.whole().page.go_forward()
    view.asks(axis=["kl"])
    axis("KL")


def test_back_to_loops_that_were_chosen_before(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/calibration?loop=replace&at=0&at=8")
    view.page.get_by_role("radio", name="10", exact=True).click()
    view.asks(bins=["10"], at=["0", "8"])
    view.page.get_by_role("button", name="Remove 8").click()
    view.asks(at=["0"])
    view.whole().page.go_back()
    view.asks(bins=["10"], at=["0", "8"])
    view.page.get_by_role("button", name="Remove 8").wait_for()
    view.whole().page.go_back()
    expect(view.page.get_by_role("radio", name="15", exact=True)).to_be_checked()


def test_link_to_a_run_that_is_not_there_says_so(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/overoptimization?run=%3Cb%3Enobody&run=r3_grpo_bigrm")
    view.says("<b>nobody, which is not in this store")


def shortened(log: Path, target: Path, last: int) -> Path:
    """The run's log as it was at an earlier step."""
    state = json.loads((log / "trainer_state.json").read_text())
    rows = [row for row in state["log_history"] if row["step"] <= last and "reward" in row]
    target.mkdir(parents=True)
    state |= {"log_history": rows, "global_step": last}
    (target / "trainer_state.json").write_text(json.dumps(state))
    (target / "completions").mkdir()
    for step in range(2, last + 1, 2):
        name = f"completions_{step:05d}.parquet"
        shutil.copy(log / "completions" / name, target / "completions" / name)
    return target


def test_frozen_link_shows_the_same_weeks_later(server, open_page, tmp_path: Path) -> None:
    # Without the event files: their config would tell more of the KL than the early log did.
    whole = tmp_path / "now" / "r3_grpo_bigrm"
    shutil.copytree(EXAMPLES / "r3_grpo_bigrm", whole, ignore=shutil.ignore_patterns("tb"))
    early = shortened(whole, tmp_path / "then" / "r3_grpo_bigrm", 200)
    served = server(home=filled(tmp_path / "frozen", early))
    view = open_page(f"{served.url}/overoptimization?run=r3_grpo_bigrm")
    view.page.get_by_text("shows no fall of gold").or_(
        view.page.get_by_text("is past its gold peak")
    ).first.wait_for()
    link = view.link(run=["r3_grpo_bigrm"], until=["200"])
    before = open_page(link).says("There are no newer rows")
    then = before.steady(lambda: figure_of(before))
    items = before.steady(lambda: before.page.locator("li").all_inner_texts())
    assert sum(len(trace["x"]) for trace in then["data"]) > 200 and items

    command(served.home, "import", str(whole), "--json")
    later = open_page(link.replace("localhost", "127.0.0.1"))
    later.says("Newer rows exist")
    now = later.steady(lambda: figure_of(later))
    assert now["notes"] == then["notes"]
    assert now["shapes"] == then["shapes"]
    assert now["data"] == then["data"]
    later.until(lambda: later.page.locator("li").all_inner_texts(), items)
    later.page.get_by_role("button", name="Show all rows").click()
    later.says("is past its gold peak")
    later.until(lambda: figure_of(later), lambda drawn: drawn != now)


def test_empty_page_says_how_to_fill_it_and_fills_by_itself(server, open_page, tmp_path) -> None:
    served = server(home=tmp_path / "empty")
    view = open_page(served.url, charts=False)
    view.says("The store is empty")
    view.says("python -m data import")
    command(served.home, "import", str(EXAMPLES / "r5_rloo"), "--json")
    view.page.locator(".ovr a:not(.rates)", has_text="r5_rloo").wait_for()


def test_a_figure_is_taken_away_with_its_data(bundled, open_page) -> None:
    view = open_page(f"{bundled.url}/overoptimization?run=r3_grpo_bigrm")
    view.steady(lambda: figure_of(view))
    view.page.get_by_role("button", name="Figure", exact=True).click()
    dialog = view.page.get_by_role("dialog")
    dialog.locator(".js-plotly-plot .main-svg").first.wait_for()
    has_pdf = dialog.get_by_role("radio", name="PDF").count()
    starts = {"SVG": b"<svg", "PNG": b"\x89PNG"} | ({"PDF": b"%PDF"} if has_pdf else {})
    assert has_pdf or dialog.get_by_text("PDF needs a browser on the server").count()

    def saved(name: str) -> Download:
        with view.page.expect_download() as started:
            dialog.get_by_role("button", name=name).click()
        return started.value

    for kind, start in starts.items():
        dialog.get_by_role("radio", name=kind).click()
        dialog.get_by_role("button", name=f"Save {kind}").wait_for()
        dialog.locator(".js-plotly-plot .main-svg").first.wait_for()
        file = saved(f"Save {kind}")
        assert file.suggested_filename == f"r3_grpo_bigrm.{kind.lower()}"
        assert Path(file.path()).read_bytes().startswith(start)
        if kind == "PNG":
            with Image.open(file.path()) as drawn:
                drawn.load()
                assert drawn.info["dpi"] == pytest.approx((300, 300), abs=0.1)
                assert drawn.width / 300 == pytest.approx(7, abs=0.02)  # inches, as the size says
    table = Path(saved("Data as drawn").path()).read_text()
    assert table.startswith("panel,line,x,y,low,high") and "gold reward" in table


def test_second_server_on_one_store_refuses(bundled) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "OVEROPT_HOME": str(bundled.home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode != 0
    assert f"127.0.0.1:{bundled.port}" in done.stderr + done.stdout
