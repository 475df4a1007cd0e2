"""The shared pieces of pages, without a browser."""

import inspect
import re
from pathlib import Path

import pytest
import streamlit as st

from analytics.onset.judging.flags import flags_of
from analytics.onset.labels.kl_honesty import UMBRELLA
from pages.shared.escaping import escaped, named
from pages.shared.frame import TOOK, rested, timed
from pages.shared.page_parts import landing
from pages.shared.runs.run_table import Group, elsewhere, run_table
from pages.shared.runs.verdict_view import FLAG_WORDS
from pages.shared.truth.answer_table import answer_table, history_table

RUN = {
    "run_id": "<script>alert(1)</script>",
    "project": "p<b>",
    "gold_evaluations": 8,
    "step_end": 100,
    "gold_step_end": 60,
    "kl_end": 9.0,
    "gold_kl_end": 4.0,
}
VERDICT = {
    "status": "no_onset",
    "flags": ["prompts_vary"],
    "axis": "kl",
    "kl_end": 9.0,
    "gold_evaluations": 6,
    "gold_source": "evaluation",
    "gold_sources": ["evaluation", "training"],
    "peak": {"kl": 8.0, "kl_low": 5.0, "kl_high": None, "step_low": 40, "step_high": None},
    "gold_lost": None,
}


def row(**changes) -> dict:
    return {
        "run": RUN,
        "verdict": VERDICT,
        "colour": "#000000",
        "picture": "",
        "trainer": "TRL",
    } | changes


def test_run_table_escapes_every_text_from_a_log() -> None:
    html = run_table([Group("", [], [row()])])
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "p&lt;b&gt;" in html
    assert 'href="/overoptimization?run=%3Cscript%3E' in html


def test_run_table_leaves_gold_lost_blank_without_an_alarm() -> None:
    assert "none up to KL 9" in run_table([Group("", [], [row()])])
    assert "gold lost </i>" not in run_table([Group("", [], [row()])])
    lost = VERDICT | {"status": "overoptimized", "gold_lost": {"value": 1, "low": 0.5, "high": 2}}
    assert "gold lost </i><b>1.0</b><small>0.5 to 2.0</small>" in run_table(
        [Group("", [], [row(verdict=lost)])]
    )


def test_run_table_says_of_each_alarm_whether_it_stands_among_all_runs() -> None:
    alarm = VERDICT | {"alarm": {"step": 30, "kl": 6.0}}
    assert "does not stand" in run_table([Group("", [], [row(verdict=alarm)])])
    assert ">stands" in run_table([Group("", [], [row(verdict=alarm, stands=True)])])
    gone = VERDICT | {"alarm": {"step": 30, "kl": 6.0, "withdrawn": {"step": 40, "reason": "r"}}}
    for verdict in (gone, VERDICT):
        assert "stand" not in run_table([Group("", [], [row(verdict=verdict)])])


def test_run_table_says_how_old_the_last_gold_is() -> None:
    assert "the last 5 nats and 40 steps ago" in run_table([Group("", [], [row()])])


def test_run_table_counts_the_evaluations_that_the_verdict_goes_by() -> None:
    html = run_table([Group("", [], [row()])])
    assert '>6<i class="word"> gold evaluations</i><small>evaluation gold</small>' in html
    assert ">8<i" in run_table([Group("", [], [row(verdict=None)])])


def test_run_table_shows_a_run_that_is_not_judged_yet() -> None:
    assert "being judged" in run_table([Group("", [], [row(verdict=None)])])


def test_text_from_logs_is_not_markdown() -> None:
    assert escaped("**a** <b> $x$ :red[x] [l](u)") == (
        r"\*\*a\*\* \<b\> \$x\$ \:red\[x\] \[l\]\(u\)"
    )


def test_long_lists_of_runs_are_counted() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named([str(i) for i in range(10)], most=3) == "0, 1, 2 and 7 more runs"


def test_run_table_sends_pools_and_answers_to_their_pages() -> None:
    bare = RUN | {"points": 0, "gold_evaluations": 0, "samples": 256, "answers": 0}
    assert elsewhere(bare | {"points": 9}, "best_of_n") is None
    assert elsewhere(bare, None) is None
    html = run_table([Group("", [], [row(run=bare, elsewhere=elsewhere(bare, "best_of_n"))])])
    assert "/best-of-n?run=" in html and "256 responses" in html
    html = run_table(
        [Group("", [], [row(run=bare, elsewhere=elsewhere(bare | {"answers": 4326}, None))])]
    )
    assert "/hallucination?loop=" in html and "4,326 answers" in html
    assert "no onset" not in html and "gold evaluations</i>" not in html


def test_a_page_of_seconds_rests_before_it_runs_again_by_itself() -> None:
    assert rested(100.0, 0.8, 100.0)  # an ordinary page follows at once
    assert not rested(100.0, 4.0, 105.0)
    assert rested(100.0, 4.0, 109.0)


def test_a_page_that_stops_early_is_timed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {})
    with pytest.raises(RuntimeError), timed():
        raise RuntimeError
    ended, took = st.session_state[TOOK]
    assert ended > 0 and took >= 0


def test_every_flag_of_a_verdict_has_words() -> None:
    flags = re.findall(r'^ {8}"(\w+)": ', inspect.getsource(flags_of), re.M)
    assert "blind" in flags and "proxy_missing" in flags
    assert {*flags, *UMBRELLA, "label_free_signal"} == set(FLAG_WORDS)


def test_no_text_of_an_answer_is_html() -> None:
    texts = (
        "loop", "topic", "knowledge", "question_id", "question", "answer", "reference", "grader",
        "sample_id", "self_claim", "confidence_kind", "grade_logged",
    )  # fmt: skip
    row = dict.fromkeys(texts, "<b>x</b>") | {
        "iteration": 1, "grade": None, "confidence": 0.5, "confidence_consistency": 0.5,
        "malformed": False, "change": None, "from_iteration": None,
    }  # fmt: skip
    made = history_table([row]) + answer_table([row], lambda _: '/answers?q="<b>x</b>')
    assert "<b>x" not in made and made.count("&lt;b&gt;x") > 12


def test_headings_go_down_level_by_level() -> None:
    """A page's title is level 1; `st.header` is 2, `st.subheader` 3 and `####` 4 skip one."""
    root = Path(__file__).resolve().parents[2] / "pages"
    skipping = [
        f"{path.name}:{i}"
        for path in sorted(root.rglob("*.py"))
        for i, line in enumerate(path.read_text().splitlines(), 1)
        if "st.subheader(" in line or "#### " in line
    ]
    assert not skipping


def test_a_page_lands_on_the_run_that_asks_for_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standing alarms first, unknown noise after its like; none where no verdict is on gold."""
    fallen = {"status": "overoptimized", "alarm": {"step": 1}}
    verdicts = {
        "fine": {"status": "no_onset"},
        "unsure": {
            "status": "overoptimized",
            "alarm": {"step": 1},
            "flags": ["gold_noise_unknown"],
        },
        "alarm": fallen | {"flags": []},
        "gone": fallen | {"alarm": {"step": 1, "withdrawn": {"step": 2}}},
        "none": {"status": "unmeasured"},
    }
    monkeypatch.setattr(landing.reads, "kept_verdicts", lambda: verdicts)
    every = {run: {"ordinal": i} for i, run in enumerate([*verdicts, "waiting"])}
    order = []
    while found := landing.most_urgent(every):
        order += found
        del every[found[0]]
    assert order == ["alarm", "unsure", "gone", "fine"]
