"""How much of a gain length alone explains, and what gold did at matched length.

What a measure pays for length is its slope on length among responses to one prompt at one step,
pooled over prompts: the within estimator (Wooldridge 2010, Econometric Analysis, section 10.5).
Times the change of mean length it is the part that length explains (Oaxaca 1973 and Blinder 1973,
with the pooled slope). A slope is no experiment: what goes with length counts as length.
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import polars as pl

from analytics.paid_for.clusters import EstimateRow, FloatArray, jackknife
from analytics.paid_for.draws import sums, within
from analytics.paid_for.missing import of_measure, of_prompts
from analytics.wording import whole

BINS = 20
"""Parts of the lengths within which start and now are compared."""
FEWEST_IN_BIN = 5
ONE_STEP = "responses of a single step were logged"
LEAST_SHARED = 0.1
"""Share of the responses of start and of now that must lie where lengths overlap."""


class LengthShare(TypedDict):
    """What length alone explains of a measure's change."""

    measure: str
    change: EstimateRow | None
    length: EstimateRow | None
    slope: EstimateRow | None
    by_length: EstimateRow | None
    share: EstimateRow | None
    reason: str


class AtSameLength(TypedDict):
    """A measure's change among responses of the same length."""

    measure: str
    difference: EstimateRow | None
    lengths: list[float] | None
    share_start: float | None
    share_now: float | None
    reason: str


def explained(draws: pl.DataFrame, measure: str) -> LengthShare:
    """The part of a measure's change from the start to now that length alone explains.

    Args:
        draws: as ``draws.draws`` gives them.
        measure: "proxy" or "gold".

    Returns:
        measure, change, length (its change), slope (units of the measure for one more of length),
        by_length (slope times change of length), share (of the gain; only where the measure surely
        gained), each {value, low, high, units} with a 95 % interval or null; reason: why
        something is null, else "".
    """
    result: LengthShare = {
        "measure": measure, "change": None, "length": None, "slope": None, "by_length": None,
        "share": None, "reason": "",
    }  # fmt: skip
    if why := of_measure(draws, measure):
        return result | {"reason": why}
    complete = draws.drop_nulls([measure, "length"])
    if complete.is_empty():
        return result | {"reason": f"no response has both {measure} and text"}
    if draws["step"].n_unique() < 2:
        return result | {"reason": ONE_STEP}
    if complete["window"].n_unique() < 2 or not {"start", "now"} <= set(
        complete["window"].drop_nulls()
    ):
        return result | {"reason": f"{measure} was logged at the start or at the end alone"}
    inner = within(complete, measure, "length")
    if inner.is_empty():
        return result | {"reason": "each prompt was answered once at a step, so that what is paid "
                       "for length cannot be told from what is paid for the prompt"}  # fmt: skip
    length, value = pl.col("length"), pl.col(measure)
    start, now = (complete.filter(pl.col("window") == name) for name in ("start", "now"))
    parts = np.concatenate([
        sums(inner, length * value, length * length),
        *(sums(part, length.is_not_null(), length, value) for part in (start, now)),
    ], axis=1)  # fmt: skip
    found = {name: jackknife(parts, of) for name, of in _STATISTICS.items()}
    if found["slope"] is None:
        return result | {"reason": _no_slope(complete, inner)}
    rows = {name: one and one.row() for name, one in found.items()}
    result |= {
        "change": rows["change"], "length": rows["length"], "slope": rows["slope"],
        "by_length": rows["by_length"], "share": rows["share"],
    }  # fmt: skip
    gained = found["change"]
    if gained is None or not gained.positive:
        return result | {"share": None, "reason": f"{measure} did not clearly gain"}
    return result


def _no_slope(complete: pl.DataFrame, inner: pl.DataFrame) -> str:
    """Why the slope has no interval. complete: all responses; inner: within their draws."""
    if complete["length"].n_unique() == 1:
        return "all responses are of one length"
    if why := of_prompts(complete):
        return f"responses are of {why}"
    if not (inner["length"].abs() > 1e-9).any():
        return "responses to one prompt at a step are all of one length"
    if why := of_prompts(inner):
        return f"several responses at a step were logged to {why}"
    return "too few responses to one prompt at a step differ in length"


def _slope(t: FloatArray) -> FloatArray:
    return np.where(t[:, 1] > 1e-9, t[:, 0] / t[:, 1], np.nan)


def _longer(t: FloatArray) -> FloatArray:
    return t[:, 6] / t[:, 5] - t[:, 3] / t[:, 2]


def _change(t: FloatArray) -> FloatArray:
    return t[:, 7] / t[:, 5] - t[:, 4] / t[:, 2]


def _by_length(t: FloatArray) -> FloatArray:
    return _slope(t) * _longer(t)


_STATISTICS = {
    "slope": _slope, "length": _longer, "change": _change, "by_length": _by_length,
    "share": lambda t: _by_length(t) / _change(t),
}  # fmt: skip


def matched(draws: pl.DataFrame, measure: str) -> AtSameLength:
    """A measure now less at the start, among responses of the same length.

    Lengths are cut into BINS parts with as many responses each; parts count by how much of both
    windows they hold (overlap weights, Li, Morgan and Zaslavsky 2018, JASA 113:390).

    Returns:
        measure, difference ({value, low, high, units} or null), lengths (least and greatest that
        are compared), share_start and share_now (of the responses there), reason.
    """
    result: AtSameLength = {
        "measure": measure, "difference": None, "lengths": None, "share_start": None,
        "share_now": None, "reason": "",
    }  # fmt: skip
    complete = draws.drop_nulls([measure, "length", "window"])
    if why := of_measure(draws, measure):
        return result | {"reason": why}
    if draws["step"].n_unique() < 2:
        return result | {"reason": ONE_STEP}
    if set(complete["window"]) != {"start", "now"}:
        return result | {"reason": f"{measure} was not logged with responses at the start and now"}
    edges = np.unique(_edges(complete))
    complete = complete.with_columns(
        bin=pl.Series(np.searchsorted(edges, complete["length"].to_numpy(), side="left"))
    )
    counts = complete.group_by("bin", "window").len().pivot("window", index="bin").fill_null(0)
    shared = counts.filter(pl.min_horizontal("start", "now") >= FEWEST_IN_BIN)["bin"].sort()
    kept = complete.filter(pl.col("bin").is_in(shared.to_list()))
    shares = {
        name: kept.filter(window=name).height / complete.filter(window=name).height
        for name in ("start", "now")
    }
    result |= {"share_start": shares["start"], "share_now": shares["now"]}
    if min(shares.values()) < LEAST_SHARED:
        return result | {"reason": _not_shared(complete)}
    result["lengths"] = [float(kept["length"].min()), float(kept["length"].max())]  # type: ignore[arg-type]
    parts = np.stack([
        np.concatenate([
            sums(cell, pl.col(measure).is_not_null(), pl.col(measure))
            for cell in (kept.filter(bin=bin, window=name) for name in ("start", "now"))
        ], axis=1)
        for bin in shared
    ], axis=1)  # fmt: skip
    found = jackknife(parts, _matched)
    if found is None:
        few = of_prompts(kept)
        return result | {
            "reason": f"responses of the same lengths are of {few}" if few else
            "too few prompts have responses of the same lengths at both ends"
        }  # fmt: skip
    return result | {"difference": found.row()}


def _not_shared(complete: pl.DataFrame) -> str:
    """Why hardly a response lies where start and now have the same lengths."""
    start, now = (complete.filter(window=name)["length"] for name in ("start", "now"))
    spans = [(float(part.min()), float(part.max())) for part in (start, now)]  # type: ignore[arg-type]
    if max(low for low, _ in spans) > min(high for _, high in spans):
        return "lengths at the start and now do not overlap"
    if why := of_prompts(complete):
        return f"responses at both ends are of {why}"
    few = min(start.len(), now.len())
    if few < FEWEST_IN_BIN * BINS:
        return (f"too few responses to be compared by length: {whole(start.len())} at the start, "
                f"{whole(now.len())} now")  # fmt: skip
    return "lengths at the start and now hardly overlap"


def _edges(complete: pl.DataFrame) -> FloatArray:
    """Ends of the parts: those of start and of now count alike, however many responses each has."""
    ends = np.linspace(0, 1, BINS // 2 + 1)[1:-1]
    both = [complete.filter(window=name)["length"].to_numpy() for name in ("start", "now")]
    return np.concatenate([np.quantile(of, ends) for of in both])


def _matched(t: FloatArray) -> FloatArray:
    """t: (many, bins, 4): n and sum at the start, n and sum now."""
    n0, s0, n1, s1 = np.moveaxis(t, -1, 0)
    weight = np.where((n0 > 0) & (n1 > 0), n0 * n1 / np.maximum(n0 + n1, 1), 0.0)
    apart = s1 / np.maximum(n1, 1) - s0 / np.maximum(n0, 1)
    return np.asarray((weight * apart).sum(axis=1) / weight.sum(axis=1))
