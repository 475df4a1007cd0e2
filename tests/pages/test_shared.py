"""The shared pieces of pages, without a browser."""

from pages.shared.frame import escaped, named
from pages.shared.run_table import run_table

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
    html = run_table([row()])
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "p&lt;b&gt;" in html
    assert 'href="/overoptimization?run=%3Cscript%3E' in html


def test_run_table_leaves_gold_lost_blank_without_an_alarm() -> None:
    assert "none up to KL 9" in run_table([row()])
    assert "gold lost </i>" not in run_table([row()])
    lost = VERDICT | {"status": "overoptimized", "gold_lost": {"value": 1, "low": 0.5, "high": 2}}
    assert "gold lost </i><b>1</b><small>0.5 to 2</small>" in run_table([row(verdict=lost)])


def test_run_table_says_how_old_the_last_gold_is() -> None:
    assert "the last 5 nats and 40 steps ago" in run_table([row()])


def test_run_table_counts_the_evaluations_that_the_verdict_goes_by() -> None:
    html = run_table([row()])
    assert '>6<i class="word"> gold evaluations</i><small>evaluation gold</small>' in html
    assert ">8<i" in run_table([row(verdict=None)])


def test_run_table_shows_a_run_that_is_not_judged_yet() -> None:
    assert "being judged" in run_table([row(verdict=None)])


def test_text_from_logs_is_not_markdown() -> None:
    assert escaped("**a** <b> $x$ :red[x] [l](u)") == (
        r"\*\*a\*\* \<b\> \$x\$ \:red\[x\] \[l\]\(u\)"
    )


def test_long_lists_of_runs_are_counted() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named([str(i) for i in range(10)], most=3) == "0, 1, 2 and 7 more runs"


def test_run_table_sends_a_pool_of_samples_to_its_own_page() -> None:
    html = run_table([row(run=RUN | {"samples": 16384}, pool=True)])
    assert 'href="/best-of-n?run=' in html and "16,384 samples" in html
    assert "none up to KL" not in html
