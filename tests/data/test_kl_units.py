"""What the numbers of a run suggest for the unit of its KL, with the evidence."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from data.people import project_roles
from data.remote import StoreAccess
from data.roles.kl_units import RESPONSE, TOKEN, evidence
from data.roles.stated_roles import Roles
from tests.data.test_project_roles import imported, kept, lines

NOTHING = pl.Series([None] * 20, dtype=pl.Float64)
RISES = pl.Series([0.2 + 0.03 * i for i in range(20)])
"""A proxy in [0, 1] that gains .57: .7 nats at the least."""


def numbers(*values: float, times: float = 1.0) -> pl.Series:
    return pl.Series([times * value for value in values])


def ramp(end: float) -> pl.Series:
    return pl.Series([end * i / 19 for i in range(20)])


def test_too_little_for_the_proxy_is_per_token() -> None:
    found = evidence(ramp(0.05), pl.Series([200.0] * 20), RISES)
    assert found.suggested == TOKEN
    text = " ".join(found.sentences)
    assert "rose from" in text and "from 0 to 10 nats" in text and "suggest nats/token" in text


def test_more_than_a_token_holds_is_per_response() -> None:
    found = evidence(ramp(40.0), pl.Series([200.0] * 20), NOTHING)
    assert found.suggested == RESPONSE
    assert any("not plausible" in sentence for sentence in found.sentences)


def test_numbers_that_fit_both_suggest_nothing() -> None:
    found = evidence(ramp(0.5), pl.Series([20.0] * 20), NOTHING)
    assert found.suggested is None and "cannot tell" in found.sentences[-1]


def test_without_a_length_there_is_nothing_to_choose() -> None:
    found = evidence(ramp(0.5), NOTHING, NOTHING)
    assert found.suggested is None and "no response length" in found.sentences[-1]


def test_nothing_logged_breaks_nothing() -> None:
    assert evidence(NOTHING, NOTHING, NOTHING).suggested is None


def test_a_project_is_asked_with_the_evidence_of_its_run(home: Path, tmp_path: Path) -> None:
    rows = [{"run_id": "a", "step": i, "score": 0.2 + 0.03 * i, "kl": 0.05 * i / 19, "n_tokens": 9,
             "response_length": 200.0} for i in range(20)]  # fmt: skip
    imported(home, lines(tmp_path / "log.jsonl", rows), proxy="score")
    with StoreAccess(home) as store:
        found = project_roles.unit_evidence(store, "p")
        assert found is not None and found[0] == "a" and found[1].suggested == TOKEN
        project_roles.save(store, "p", Roles(kl_unit=TOKEN))
        assert project_roles.unit_evidence(store, "p") is None
    assert kept(home, "a")["kl_conversion"] == "approximate"
