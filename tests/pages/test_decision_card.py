"""The decision card and the column "do" say what the recommendation says, and no more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from analytics.figures.runs.specimens import specimen
from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.remote import StoreAccess
from pages.shared.runs import decision_card
from pages.shared.runs.decision_card import NO_CANDIDATE, card, what_to_do
from pages.shared.runs.run_table import Group, run_table
from pages.shared.runs.verdict_view import in_short

FALLEN, RISING = specimen(0).verdict, specimen(2).verdict
NONE = {"action": "none", "reason": "No candidate: no saved checkpoint of this run is known."}


def read(html: str) -> str:
    return unescape(" ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.S).split()))


def test_a_candidate_has_its_gold_its_price_and_how_sure_it_is() -> None:
    text = read(card("r", FALLEN, "KL exact"))
    assert text.startswith("r is past its gold peak")
    assert "checkpoint-240" in text and "better with probability 0.99" in text
    assert "Gold there 1.2 (90 %: 1.0 to 1.4), going back gains 0.7 and gives up" in text
    assert text.endswith("KL exact")
    assert what_to_do(FALLEN) == ("checkpoint-240", "candidate, better with p 0.99")


def test_a_measurement_says_where_and_nothing_says_why() -> None:
    assert "The next evaluation decides most" in read(card("r", RISING, ""))
    action, about = what_to_do(RISING)
    assert action == "measure" and re.fullmatch(r"2 more at KL [\d.]+", about)
    assert "no saved checkpoint of this run is known" in read(
        card("r", FALLEN | {"recommendation": NONE}, "")
    )
    assert what_to_do({"recommendation": NONE}) == ("no candidate", "none is saved")
    calm = NONE | {"reason": "No alarm stands, so there is nothing to go back from."}
    assert what_to_do({"recommendation": calm}) == ("nothing", "")


@pytest.mark.parametrize("advice", [
    None, {}, "text", {"action": "of tomorrow"},
    {"action": "measure", "kl": None, "evaluations": None, "responses": None, "reason": "Why."},
])  # fmt: skip
def test_what_is_not_known_is_not_said(advice: object) -> None:
    verdict = FALLEN | {"recommendation": advice}
    text = read(card("r", verdict, "")) + " ".join(what_to_do(verdict))
    assert "None" not in text and "checkpoint" not in text
    assert "None" not in read(card("r", {k: v for k, v in verdict.items()
                                         if k != "recommendation"}, ""))  # fmt: skip


def test_names_and_reasons_are_text() -> None:
    bad = "<img src=x onerror=alert(1)>"
    verdict = FALLEN | {"recommendation": NONE | {"reason": bad}}
    assert "<img" not in card(bad, verdict, bad)
    row = {"run": {"run_id": bad, "project": "p", "gold_evaluations": 3, "step_end": 9,
                   "kl_end": None, "gold_step_end": 3, "gold_kl_end": None},
           "verdict": verdict, "colour": "#000000", "picture": "", "trainer": ""}  # fmt: skip
    assert "<img" not in run_table([Group("", [], [row])])


def test_the_overview_tells_what_to_do_in_each_row() -> None:
    about = {"project": "p", "gold_evaluations": 3, "step_end": 9, "kl_end": None,
             "gold_step_end": 3, "gold_kl_end": None}  # fmt: skip
    rows = [{"run": about | {"run_id": str(n)}, "verdict": verdict, "colour": "#000000",
             "picture": "", "trainer": ""}
            for n, verdict in enumerate((FALLEN, RISING, FALLEN | {"recommendation": NONE}, None))
            ]  # fmt: skip
    made = run_table([Group("", [], rows)])
    row_texts = [read(part) for part in made.split('<div role="row">')[1:]]
    assert "do: checkpoint-240 candidate, better with p 0.99" in row_texts[0]
    assert (
        "do: measure 2 more at KL" in row_texts[1]
        and "do: no candidate none is saved" in row_texts[2]
    )
    assert "do:" not in row_texts[3] and "being judged" in row_texts[3]
    cells = {part.count('role="cell"') for part in made.split('<div role="row">')[1:]}
    assert len(cells) == 1 and cells == {made.count('role="columnheader"')}


def test_a_verdict_shows_three_reasons_and_folds_the_others() -> None:
    def page() -> None:
        from dataclasses import replace

        from analytics.figures.runs.specimens import specimen
        from pages.shared.runs.verdict_view import show_why

        curve = specimen(0)
        verdict = dict(curve.verdict) | {"reasons": [f"Reason {i}." for i in range(7)]}
        show_why(replace(curve, verdict=verdict), {"trainer": None, "kl_note": None})

    shown = AppTest.from_function(page).run()
    assert not shown.exception
    folded = shown.expander[0]
    lines = [text.value for text in folded.markdown]
    at_once = [text.value for text in shown.markdown if text.value not in lines]
    assert re.findall(r"Reason (\d)", " ".join(at_once)) == ["0", "1", "2"]
    assert re.findall(r"Reason (\d)", " ".join(lines)) == ["3", "4", "5", "6"]
    assert "finding" in folded.label


def test_the_card_says_nothing_twice() -> None:
    advice = {"action": "measure", "reason": "Gold was measured on other prompts at each step."}
    curve = specimen(0)
    flags = ["prompts_vary", "kl_unit_unknown", "autocorrelated"]
    curve = replace(curve, verdict=curve.verdict | {"flags": flags, "recommendation": advice})
    lines = in_short(curve, {"kl_conversion": "unknown"})
    assert lines == (
        "KL of unknown unit · 12 gold evaluations (evaluation) · neighbouring gold values are "
        "correlated"
    )
    alone = in_short(replace(curve, verdict=curve.verdict | {"recommendation": {}}), {})
    assert "the unit of the logged KL is not known" in alone and "other prompts" in alone


def test_saved_checkpoints_are_compared_when_somebody_asks(
    open_script: Callable[..., AppTest], tmp_path: Path
) -> None:
    log = tmp_path / "run" / "run.csv"
    log.parent.mkdir()
    rows = "".join(f"run,{i},{i / 5},{i / 5},{min(i, 16 - i) / 10},0.05\n" for i in range(30))
    log.write_text("run_id,step,kl,proxy_reward,gold_reward,gold_reward_se\n" + rows)
    for step in (8, 12):
        (log.parent / f"checkpoint-{step}").mkdir()
    page = open_script("runs/overoptimization.py", log, run="run")
    assert not page.exception
    assert not any("is better than the last gold" in one.value for one in page.markdown)
    page.session_state["checkpoints"] = True
    page.run()
    assert not page.exception
    assert any("is better than the last gold evaluation" in one.value for one in page.markdown)
    shown = next(one.value for one in page.dataframe if "prompts shared" in one.value.columns)
    assert shown["checkpoint"].to_list() == ["checkpoint-8", "checkpoint-12"]


def test_checkpoints_beside_a_table_of_responses_are_kept_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    (folder / "checkpoint-8").mkdir(parents=True)
    metrics, responses = folder / "metrics.csv", folder / "responses.parquet"
    rows = [{"run_id": "run", "step": i, "kl": i / 5, "gold_reward": 1.0} for i in range(30)]
    pl.DataFrame(rows).write_csv(metrics)
    texts = [{"run_id": "run", "step": i, "prompt_id": "p", "sample_id": "s", "prompt": "?",
              "completion": "x", "proxy_reward": 1.0} for i in range(30)]  # fmt: skip
    pl.DataFrame(texts).write_parquet(responses)
    orders = ([folder], [metrics, responses], [responses, metrics], [metrics], [responses])
    for at, paths in enumerate(orders):
        home = tmp_path / f"home{at}"
        monkeypatch.setenv("OVEROPT_HOME", str(home))
        home.mkdir()
        for path in paths:
            import_paths(home, [path], ReadOptions())
        with StoreAccess(home) as store:
            (facts,) = store.query("runs", project=None, runs=None)["facts"]
        assert json.loads(facts)["checkpoints"] == [8], paths
    other = pl.DataFrame([row | {"run_id": "another"} for row in texts])
    other.write_parquet(responses)
    monkeypatch.setenv("OVEROPT_HOME", str(tmp_path / "last"))
    (tmp_path / "last").mkdir()
    import_paths(tmp_path / "last", [metrics], ReadOptions())
    with StoreAccess(tmp_path / "last") as store:
        (facts,) = store.query("runs", project=None, runs=None)["facts"]
    assert not json.loads(facts).get("checkpoints")


def test_reasons_that_are_said_in_few_words_are_those_that_are_given(root: Path) -> None:
    given = (root / "analytics/onset/sentences/recommended.py").read_text(encoding="utf-8")
    assert all(f"{NO_CANDIDATE} {begins}" in given for begins, _ in decision_card.IN_FEW)
