"""A gate's policy: what may stand in it, what is said of the rest, what its limits mean."""

import datetime
import re

import pytest

from analytics.gate import default, loosened, proposal, read_policy
from analytics.gate.result.power import chances
from analytics.gate.rules.limits import LIMITS
from analytics.gate.rules.policy import PolicyError, quantile

PROPOSAL = proposal()


def changed(key: str, value: str, section: str = "") -> str:
    """The proposal with one key written otherwise."""
    before, head, rest = PROPOSAL.partition(f"[{section}]\n" if section else "# Policy")
    return before + head + re.sub(rf"(?m)^{key} = [^#]*", f"{key} = {value}  ", rest, count=1)


def line_of(text: str, part: str) -> int:
    return next(at for at, line in enumerate(text.splitlines(), 1) if part in line)


def test_the_proposal_reads_back_as_the_defaults() -> None:
    policy = default()
    assert dict(policy.values) == {limit.place: limit.default for limit in LIMITS}
    assert policy.proposals == ()
    assert all("# proposal:" in line for line in PROPOSAL.splitlines() if " = " in line[:40]
               and not line.startswith("#"))  # fmt: skip


def test_a_key_that_is_left_out_takes_the_proposal_and_is_listed() -> None:
    policy = read_policy('name = "ours"\ndate = 2026-11-01\n[provenance]\ndepth = 1\n')
    assert policy["provenance.depth"] == 1 and policy["outcomes.drop"] == 0.02
    assert "provenance.depth" not in policy.proposals and "outcomes.drop" in policy.proposals
    assert policy.title == f"ours ({policy.hash}, 2026-11-01)"


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.place)
def test_every_key_refuses_another_kind_and_names_its_line(limit) -> None:
    wrong = "true" if not isinstance(limit.default, bool) else "1"
    text = changed(limit.key, wrong, limit.section)
    line = line_of(text, f"{limit.key} = {wrong}  ")
    with pytest.raises(PolicyError, match=rf"ours.toml, line {line}: {limit.place} = .*expected"):
        read_policy(text, "ours.toml")


@pytest.mark.parametrize(
    "limit", [one for one in LIMITS if one.low is not None], ids=lambda limit: limit.place
)
def test_every_number_refuses_what_makes_no_sense(limit) -> None:
    for value in (limit.low - 1, limit.high + 1, "nan"):
        with pytest.raises(PolicyError, match=rf"line \d+: {limit.place} = .*expected a"):
            read_policy(changed(limit.key, str(value), limit.section))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[truthfulness]\nconfident_raise = 0.1\n",
         "line 2: unknown key 'confident_raise' in [truthfulness]; expected one of"),
        ("[truth]\n", "line 1: [truth] is no section of a policy; expected one of provenance"),
        ("alpha = 0.1\n", "line 1: unknown key 'alpha' at the top"),
        ("x = \n", "this is not TOML"),
        ("\n[outcomes]\ndrop = 0.3\n", "line 3: outcomes.drop = 0.3 is more than"),
        ('[diversity]\nchecks = ["from_first", "luck"]\n', "line 2: 'luck' is no check of"),
        ('[[waivers]]\nblock = "luck"\nname = "A"\nreason = "b"\nexpires = 2026-12-01\n',
         "line 1: a waiver of 'luck'; expected a block"),
        ('\n[[waivers]]\nblock = "outcomes"\nname = "A"\nexpires = 2026-12-01\n',
         "line 2: the waiver has no key 'reason'"),
        ('[[waivers]]\nblock = "outcomes"\nname = " "\nreason = "b"\nexpires = 2026-12-01\n',
         "line 1: the waiver's name is empty"),
        ('[[waivers]]\nblock = "outcomes"\nname = "A"\nreason = "b"\nexpires = "soon"\n',
         "line 1: the waiver's expires; expected a date"),
        ('[waivers]\nblock = "outcomes"\n', "line 1: expected [[waivers]]"),
    ],
)  # fmt: skip
def test_what_does_not_belong_there_is_named_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(PolicyError) as error:
        read_policy(text, "ours.toml")
    assert str(error.value).startswith("ours.toml") and sentence in str(error.value)


def test_a_waiver_is_read_whole() -> None:
    text = PROPOSAL + (
        '[[waivers]]\nblock = "outcomes"\nname = "A. Person"\nreason = "no canary"\n'
        "expires = 2026-12-12\n"
    )
    (waiver,) = read_policy(text).waivers
    assert waiver.expires == datetime.date(2026, 12, 12) and waiver.block == "outcomes"


@pytest.mark.parametrize("limit", [one for one in LIMITS if one.looser], ids=lambda one: one.place)
def test_every_limit_knows_which_way_it_is_loosened(limit) -> None:
    step = (limit.high - limit.low) / 1000 if isinstance(limit.default, float) else 1
    small = 1e-4 if isinstance(limit.default, float) else 1
    looser = limit.default + limit.looser * (min(step, small) if step else small)
    texts = [
        changed(limit.key, str(value), limit.section)
        for value in (looser, limit.default - limit.looser * small)
    ]
    try:
        there = [loosened(default(), read_policy(text)) for text in texts]
    except PolicyError:
        pytest.skip("the default is the end of the range")
    assert len(there[0]) == 1 and there[0][0].startswith(limit.place) and there[1] == []


def test_a_check_left_out_and_a_new_waiver_are_loosening() -> None:
    fewer = changed("checks", '["from_first"]', "outcomes")
    assert loosened(default(), read_policy(fewer)) == ["outcomes.checks without from_release"]
    waived = PROPOSAL + (
        '[[waivers]]\nblock = "outcomes"\nname = "A"\nreason = "b"\nexpires = 2026-12-12\n'
    )
    assert loosened(default(), read_policy(waived)) == ["outcomes waived by A"]


def test_a_year_of_looks_shares_its_errors() -> None:
    text = changed("extra_looks_per_year", "0")
    policy = read_policy(text)
    assert policy.pass_level() == pytest.approx(0.05 / 26)
    assert quantile(policy.pass_level()) == pytest.approx(2.8896, abs=1e-3)
    assert policy.fail_level(5) == pytest.approx(0.05 / 26 / 5)


def test_the_chances_are_those_of_the_normal_formula() -> None:
    """By hand: limit .01, sd sqrt(.02/3000), 30 looks, retraining .1 of the limit."""
    truth = next(row for row in chances(default()) if row.block == "truthfulness")
    spread = (0.02 / 3000 + 0.001**2) ** 0.5
    from scipy.stats import norm

    passing = norm.cdf(0.01 / spread - norm.isf(0.05 / 30))
    assert truth.passes_harm == pytest.approx(0.05 / 30)
    assert truth.unshown_null == pytest.approx(1 - passing - truth.fails_null)
    assert truth.year(truth.passes_harm) < 0.05 and truth.fails_null < 1e-6
    assert "P(NOT SHOWN | no harm) 24.94 %" in truth.sentence()
    more = read_policy(changed("questions", "30000", "plan"))
    assert next(r for r in chances(more) if r.block == "truthfulness").unshown_null < 1e-6
