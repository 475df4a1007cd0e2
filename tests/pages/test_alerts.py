"""*Alerts*: off, wrong rules, a test of the receiver, acknowledging; the thread of the server."""

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from analytics.alerts import ledger as outbox
from analytics.alerts import sending
from data.outgoing import alert_files
from pages.shared import reads
from pages.shared.keeping import judging
from pages.shared.server import alerting

PAGE = "review/alerts.py"
NOW = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.UTC)


def text_of(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(one.value for one in [*page.markdown, *page.error, *page.warning, *page.code])


def write(home: Path, text: str) -> None:
    home.mkdir(exist_ok=True)
    alert_files.rules_file(home).write_text(text)


def test_without_rules_alerts_are_off_and_a_start_is_shown(
    open_script: Callable[..., AppTest],
) -> None:
    page = open_script(PAGE)
    assert "Alerts are off" in text_of(page) and "[deliver]" in text_of(page)
    assert not page.button


def test_rules_that_make_no_sense_are_told(open_script: Callable[..., AppTest], home: Path) -> None:
    write(home, "[ping]\nalarm = 3")
    page = open_script(PAGE)
    assert "line 2" in text_of(page) and "true or false" in text_of(page) and not page.button


def test_test_acknowledge_and_mute(
    open_script: Callable[..., AppTest], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[str] = []
    monkeypatch.setattr(sending, "delivering", lambda rules: lambda one: got.append(one["title"]))
    monkeypatch.setattr(alerting, "_tested", [])
    write(home, '[deliver]\nurl = "http://127.0.0.1:1/"')
    with sending.changing(home) as ledger:
        for run in ("<b>a", "c"):
            ledger["alerts"][f"alarm\n{run}\n"] = {
                "kind": "alarm", "subject": run, "since": "2026-11-28T10:00:00+00:00",
                "gone": None, "told": True, "what": "is past <b>", "quiet": "", "pinged": None,
                "link": "/overoptimization?run=x",
            }  # fmt: skip
    page = open_script(PAGE)
    assert "2 runs or loops with an open alert" in text_of(page) and "<b>" not in text_of(page)
    assert "](/overoptimization?run=x)" in text_of(page)
    page.button[0].click().run()
    assert len(got) == 1 and page.success
    page.button[0].click().run()
    assert len(got) == 1 and "is enough" in text_of(page)
    page.selectbox(key="hush-subject").select("<b>a")
    page.button[-1].click().run()
    assert "Say who you are" in text_of(page)
    page.text_input(key="hush-by").input("Ada")
    page.button[-1].click().run()
    assert sending.ledger_of(home)["acknowledged"]["<b>a"]["by"] == "Ada"
    page.selectbox(key="hush-subject").select("c")
    later = datetime.date.today() + datetime.timedelta(days=30)
    page.date_input(key="hush-until").set_value(later)
    page.text_input(key="hush-by").input("Ada")
    page.button[-1].click().run()
    assert sending.ledger_of(home)["muted"]["c"] == {"until": str(later), "by": "Ada"}
    assert "acknowledged by Ada" in text_of(page)


def test_the_server_looks_when_the_store_has_changed_and_sends(
    open_script: Callable[..., AppTest], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_script(PAGE)
    seconds, got = [0.0], []
    monkeypatch.setattr(sending, "delivering", lambda rules: lambda one: got.append(one["title"]))
    watch = alerting.Watch(reads.store(), lambda: seconds[0])
    watch.turn()
    assert got == [] and not (home / "alerts").exists()  # no rules, nothing on the disk
    write(home, "[ping")
    watch.turn()
    assert "not TOML" in watch.failure and got == []
    write(home, '[deliver]\nurl = "http://127.0.0.1:1/"')
    watch.turn()
    assert got == ["Alerts are on"] and watch.failure == ""
    with sending.changing(home) as ledger:
        outbox.put(ledger, NOW, "ping", "next", [], "", "/")
    watch.turn()
    assert got == ["Alerts are on", "next"]
    judging.end()
