"""The verdict as a row of plain values and a frame of looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from analytics.computing.any_frame import polars_frame
from analytics.onset.alarm.red import statistic_at_end
from analytics.onset.curves.forecast import SharedAlpha
from analytics.onset.errors.noise import UNSTATED
from analytics.onset.evidence.measurements import HELPED, FloatArray
from analytics.onset.evidence.verdict_keys import Alarm, VerdictRow, Witnesses
from analytics.onset.judging.decision import Evidence, gather
from analytics.onset.judging.flags import flags_of, kl_end, step_end
from analytics.onset.judging.judged import Verdict
from analytics.onset.judging.limit_row import limit_row
from analytics.onset.judging.outlook import adjustment_row, outlook
from analytics.onset.judging.peak_row import model_row, peak_row
from analytics.onset.judging.recommendation import recommendation
from analytics.onset.judging.run_facts import checked
from analytics.onset.judging.withdrawn_row import withdrawn_row
from analytics.onset.labels.judge_drift import corrected, judge_drift, of_judge
from analytics.onset.labels.kl_honesty import Doubt, doubts
from analytics.onset.labels.prediction_powered import PHRASE, Helped, gold_with, helped
from analytics.onset.sentences.basis import Basis, Nearest
from analytics.onset.sentences.reasons import reasons_of


def verdict(
    gold: pl.DataFrame,
    trajectory: pl.DataFrame,
    facts: Mapping[str, Any],
    prompts: pl.DataFrame | None = None,
    source: str | None = None,
    until: int | None = None,
    siblings: Callable[[], SharedAlpha | None] | None = None,
    sample_kl: pl.DataFrame | None = None,
    further_kl: pl.DataFrame | None = None,
    evaluated: pl.DataFrame | None = None,
    scored: pl.DataFrame | None = None,
    anchors: pl.DataFrame | None = None,
) -> Verdict:
    """Whether optimisation against the proxy has stopped paying in gold, with its evidence.

    gold: one row per (source, step): source, step, stretch, kl (nats per response or null),
    gold_reward, gold_reward_se, gold_reward_sd (between responses), n_responses, proxy_reward;
    all but source, step and gold_reward may be null; n_prompts (behind the responses) and
    gold_version (who judged; a change begins a new segment) may be there.
    trajectory: every training row: step, stretch, kl, proxy_reward. facts: see `run_facts.FACTS`.
    prompts: step, prompt_id, n, gold_reward, proxy_reward, means of training completions;
    evaluated: step, prompt_id, gold_n, gold_reward, of evaluations' responses. source:
    None takes "evaluation" where there is any, else "training", else the first other by name.
    until: rows of later steps do not exist. siblings: alpha of runs with the same setup, asked
    only for a forecast. sample_kl: step, n, k1, k1_sd from the responses' log-probabilities;
    further_kl: step, key, value of other logged KLs; both are held against the logged one.
    scored: responses that a judge scored, some of which were labelled too (`prediction_powered`);
    anchors: fixed responses that the judge scored again at each evaluation (`judge_drift`).

    Raises nothing for any numbers in the frames; ValueError for a fact that is not known, and
    FrameError for a column of gold or trajectory that is not there. For one frame of any library
    see `judge`. Source: docs/methods.md; onset as in Gao et al. 2022 (arXiv 2210.10760).
    """
    facts = checked(facts)
    gold = polars_frame(gold, "source", "step", "gold_reward")
    trajectory = polars_frame(trajectory, "step")
    with_judge = helped(scored if scored is None or until is None else _until(scored, until))
    gold = gold_with(gold, with_judge)
    drift = judge_drift(anchors if anchors is None or until is None else _until(anchors, until))
    judged = of_judge(gold)
    if drift is not None and drift.since is not None:
        gold = corrected(gold, drift, judged)
    if facts.get("kl_conversion") == "unknown":
        shown = _without_kl(gold), _without_kl(trajectory)  # its numbers are no nats
    else:
        shown = gold, trajectory
    evidence = gather(*shown, facts, prompts, source, until, siblings, evaluated=evaluated)
    powered = _powered(evidence, with_judge)
    if powered is not None and evidence.noise is not None:
        evidence = replace(evidence, noise=replace(evidence.noise, phrase=PHRASE))
    status = _status(evidence)
    known = trajectory if until is None else trajectory.filter(pl.col("step") <= until)
    against = doubts(known, sample_kl, further_kl, facts)
    noise, test, second = evidence.noise, evidence.test, evidence.second
    row: VerdictRow = {
        "run": facts.get("run_id"),
        "project": facts.get("project"),
        "status": status,
        "flags": flags_of(evidence, facts, status, against, drift is not None and drift.found),
        "reasons": [],
        "axis": evidence.axis,
        "kl_end": kl_end(evidence),
        "step_end": step_end(evidence),
        "gold_evaluations": len(evidence.rows),
        "peak": peak_row(evidence),
        "peak_model": model_row(evidence),
        "alarm": _alarm(evidence),
        "witnesses": _witnesses(evidence),
        "p_past_peak": second.past if second is not None else None,
        "e_value": _capped_exp(second.log_e) if second is not None else None,
        "earliest_honest_alarm": limit_row(evidence),
        "gold_lost": None,
        **outlook(evidence, facts),
        "detectable": None,
        "gold_source": evidence.source,
        "gold_sources": evidence.sources,
        "looks": len(evidence.looks) - evidence.tested,
        "rows_per_look": evidence.size if len(evidence.looks) else None,
        "plan": {"looks": evidence.plan.looks, "stated": evidence.plan.stated},
        "noise": noise.phrase if noise is not None else None,
        "relative_noise": _relative_noise(evidence),
        "prediction_powered": None if powered is None else powered.row(),
        "judge_drift": None if drift is None else drift.row(evidence.source in judged),
        "prompt_adjustment": adjustment_row(evidence),
        "autocorrelation": round(noise.rho_rows, 3) if noise is not None else 0.0,
        "recommendation": None,
    }
    if evidence.lost is not None and evidence.past_peak:
        lost, scale = evidence.lost, evidence.scale
        row["gold_lost"] = {
            "value": lost.value * scale,
            "low": lost.low * scale,
            "high": lost.high * scale,
        }
    if test is not None and status in ("no_onset", "warning"):
        row["detectable"] = test.detectable * evidence.scale
    row = _plain(row)
    row["recommendation"] = _plain(recommendation(evidence, row, facts))
    row["reasons"] = reasons_of(row, _basis(evidence, facts, against))
    return Verdict(row, _looks(evidence))


def _until(frame: pl.DataFrame, until: int) -> pl.DataFrame:
    return frame.filter(pl.col("step") <= until)


def _powered(evidence: Evidence, those: list[Helped]) -> Helped | None:
    """The labels and judge behind the gold that was judged."""
    if evidence.source is None or not evidence.source.endswith(HELPED):
        return None
    return next((one for one in those if one.source == evidence.source), None)


def _without_kl(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(kl=pl.lit(None, pl.Float64)) if "kl" in frame.columns else frame


def _status(evidence: Evidence) -> str:
    if len(evidence.rows) == 0:
        return "unmeasured"
    if evidence.test is None:
        return "too_little_gold"
    if evidence.back is not None:
        return "no_onset"
    if not evidence.past_peak:
        return "warning" if evidence.second and evidence.second.warns else "no_onset"
    return "collapsed" if evidence.proxy_fell else "overoptimized"


def _relative_noise(evidence: Evidence) -> float | None:
    """A look's typical standard error in units of gold's gain up to its peak."""
    if evidence.peak is None or evidence.noise is None:
        return None
    gain = float(np.max(evidence.peak.fit) - evidence.peak.fit[0])
    # gold that only falls: what it has lost stands for the gain
    gain = gain if gain > 0 else float(np.ptp(evidence.peak.fit))
    return float(np.median(evidence.noise.se)) / gain if gain > 0 else None


def _capped_exp(log: float | None) -> float | None:
    """e^log, at most 1e300: JSON has no infinity."""
    return None if log is None else float(np.exp(min(log, 300 * np.log(10))))


def _alarm(evidence: Evidence) -> Alarm | None:
    test = evidence.test
    if test is None or test.alarm is None:
        return None
    return {
        "kl": test.alarm.kl if evidence.axis == "kl" else None,
        "step": test.alarm.step,
        "statistic": test.alarm.statistic,
        "boundary": test.alarm.boundary,
        "withdrawn": withdrawn_row(evidence),
    }


def _witnesses(evidence: Evidence) -> Witnesses | None:
    """The scan's statistic and the e-process at the last look, by the noise known now.

    Of an alarm those that bear it out or not; of smoothed gold by the values behind the mean.
    """
    if evidence.stands is not None:
        found = evidence.stands.witness
        return {
            "scan": found.scan,
            "e_process": _capped_exp(found.log_e),
            "undone_weight": None if found.undone is None else round(found.undone, 3),
        }
    if evidence.test is None or evidence.noise is None or evidence.second is None:
        return None
    current = evidence.looks.gold[evidence.tested :]
    return {
        "scan": statistic_at_end(current, evidence.noise),
        "e_process": _capped_exp(evidence.second.log_e),
        "undone_weight": None,
    }


def _basis(evidence: Evidence, facts: Mapping[str, Any], against: Sequence[Doubt]) -> Basis:
    noise, test, note = evidence.noise, evidence.test, facts.get("kl_note")
    nearest = None
    if test is not None:
        at = int(np.argmin(test.boundary - test.statistic))
        nearest = Nearest(float(test.statistic[at]), float(test.boundary[at]))
    return Basis(
        source=evidence.source,
        rows=len(evidence.rows),
        tested=len(evidence.looks) - evidence.tested,
        size=evidence.size,
        errors=None if noise is None else noise.phrase,
        known_errors=evidence.noise_known,
        unstated=noise is not None and noise.method in UNSTATED,
        clustered_unknown=evidence.clustered_unknown,
        widened=1.0 if noise is None else float(np.sqrt(noise.widen[-1])),
        tests=evidence.plan.looks,
        planned=evidence.plan.stated,
        nearest=nearest,
        way_back=evidence.back,
        no_curve_fits=evidence.second is not None and evidence.second.doubtful,
        judges=evidence.judges,
        doubts=tuple(against),
        unusable=evidence.unusable,
        before_kl=evidence.before_kl,
        kl_conversion=facts.get("kl_conversion"),
        kl_note=str(note) if note else None,
    )


def _looks(evidence: Evidence) -> pl.DataFrame:
    looks, count = evidence.looks, len(evidence.looks)
    gold_se = np.full(count, np.nan)
    in_peak = np.zeros(count, dtype=bool)
    if evidence.noise is not None:
        gold_se[evidence.tested :] = evidence.noise.se
    if evidence.peak is not None:
        peak = peak_row(evidence)
        assert peak is not None
        in_peak = looks.step_end >= peak["step_low"]
        if peak["step_high"] is not None:
            in_peak &= looks.step_start <= peak["step_high"]
        in_peak[: evidence.tested] = False
    return pl.DataFrame(
        {
            "look": np.arange(count, dtype=np.int64),
            "stretch": looks.stretch,
            "step_start": looks.step_start,
            "step_end": looks.step_end,
            "step": _null(looks.step),
            "kl": _null(looks.kl),
            "sqrt_kl": _null(np.sqrt(np.maximum(looks.kl, 0.0))),
            "gold_reward": _null(looks.gold * evidence.scale),
            "gold_se": _null(gold_se * evidence.scale),
            "proxy_reward": _null(looks.proxy),
            "proxy_se": _null(looks.proxy_se),
            "n_rows": looks.n_rows,
            "n_responses": _null(looks.n_responses).cast(pl.Int64),
            "in_peak": in_peak,
        }
    )


def _null(values: FloatArray) -> pl.Series:
    return pl.Series(values, dtype=pl.Float64).fill_nan(None)


def _plain(value: Any) -> Any:
    """The same value without NumPy types, NaN or infinities."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        # Sums of floats may differ in their last bits between processes; a pinned view must not.
        return float(f"{value:.10g}") if np.isfinite(value) else None
    return value
