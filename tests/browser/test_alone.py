"""No page asks another machine for anything: no icon, no font, nobody who counts visits."""

import csv
from pathlib import Path
from urllib.parse import urlsplit

FROM_ELSEWHERE = """
import streamlit as st

st.set_page_config(page_title="Elsewhere", page_icon={icon!r})
st.title("Elsewhere")
st.html("<img src='http://pictures.example/a.png'>")
"""
SEES = """() => {
  new Image().src = 'http://image.example/a.png';
  fetch('https://fetch.example/').catch(() => 0);
  navigator.sendBeacon('http://beacon.example/', 'x');
  try { new WebSocket('ws://socket.example/') } catch { }
  const font = new FontFace('x', 'url(http://font.example/a.woff2)');
  font.load().catch(() => 0);
  for (const [rel, name] of [['icon', 'icon'], ['stylesheet', 'style']]) {
    const link = document.createElement('link');
    Object.assign(link, {rel, href: `http://${name}.example/a`});
    document.head.append(link);
  }
  const script = document.createElement('script');
  script.src = 'http://script.example/a.js';
  document.head.append(script);
  const frame = document.createElement('iframe');
  frame.src = 'http://frame.example/';
  document.body.append(frame);
  const code = "fetch('http://worker.example/', {mode: 'no-cors'}).catch(() => 0)";
  new Worker(URL.createObjectURL(new Blob([code])));
}"""
KINDS = {"image", "fetch", "beacon", "socket", "font", "style", "script", "frame", "worker"}
"""Not the icon: npm's Chromium draws none."""


def kinds(lines: list[str]) -> set[str]:
    hosts = [
        urlsplit(word if "://" in (word := line.split()[1]) else f"//{word}") for line in lines
    ]
    return {(host.hostname or "").split(".")[0] for host in hosts}


def test_what_is_asked_of_others_is_seen(server, open_page, world, tmp_path: Path) -> None:
    """The eyes of the tests below, on a page that asks for much and forbids nothing."""
    script = tmp_path / "elsewhere.py"
    script.write_text(FROM_ELSEWHERE.format(icon=":material/monitoring:"))
    view = open_page(server(script).url, charts=False, errors=True).says("Elsewhere")
    view.page.evaluate(SEES)
    view.until(lambda: KINDS | {"pictures"} <= kinds(world.asked), True)


def test_the_product_lets_no_page_ask(bundled, open_page, world) -> None:
    view = open_page(bundled.url, charts=False, errors=True).says("r3_grpo_bigrm")
    view.page.evaluate(SEES)
    # A violation is told for each, so nothing is waited for that might still come.
    view.until(lambda: {k for k in KINDS if f"//{k}.example" in "".join(view.errors)} >= KINDS - {
        "worker"}, True)  # fmt: skip
    asked = world.drained()
    assert asked == [], set(asked)


def test_the_icon_is_ours(bundled, open_page) -> None:
    view = open_page(bundled.url, charts=False)
    icon = view.page.locator("link[rel~=icon]").first
    view.until(lambda: icon.get_attribute("href"), lambda href: href.startswith("data:image/svg"))
    size = view.page.evaluate("""(href) => new Promise((done) => {
      const image = new Image();
      image.onload = () => done(image.width * image.height);
      image.onerror = () => done(0);
      image.src = href;
    })""", icon.get_attribute("href"))  # fmt: skip
    assert size > 0


def test_a_table_comes_down(bundled, open_page, tmp_path: Path) -> None:
    """The policy must not forbid what the browser makes itself (charts: test_runs.py)."""
    view = open_page(f"{bundled.url}/sources?run=r3_grpo_bigrm", charts=False)
    view.page.evaluate("window.showSaveFilePicker = undefined")  # as in browsers without it
    view.page.locator('[data-testid="stDataFrame"]').first.hover()
    with view.page.expect_download() as table:
        view.page.get_by_role("button", name="Download as CSV").first.click()
    table.value.save_as(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open() as file:
        assert len(list(csv.reader(file))) > 5
