"""The standard error of each look's gold, and how it came about.

Nothing after look k enters the variance that a test at look k uses. Four methods:

stated       the log's own standard errors (or sd and n, or a rate's binomial error)
rows         scatter of a look's rows about their own straight line, shared with nearby looks
prompts      the same scale, its course over the run taken from the scatter between prompts
differences  second differences of the rows: the last resort, with few degrees of freedom
course       the same, its course over the run taken from the logged spread between responses

Prompts give the course and not the scale, because the logged completions may be only a part of
the responses behind a logged row (TRL keeps the last generation batch): their own error would be
too large there, and too small where rows share what prompts do not show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from analytics.computing.kept import kept
from analytics.onset.errors.autocorrelation import (
    between_looks,
    cautious,
    estimate,
    is_exact,
    variance_inflation,
)
from analytics.onset.errors.excess_scatter import excess_scatter
from analytics.onset.errors.line_residuals import line_freedom, squares_about_line
from analytics.onset.errors.prompt_clusters import PromptScatter
from analytics.onset.errors.steep_fall import SteepFall, steep_fall
from analytics.onset.evidence.contrasts import sharing
from analytics.onset.evidence.measurements import FloatArray, Rows
from analytics.onset.evidence.pooling import Looks

Method = Literal["stated", "rows", "prompts", "differences", "course"]
UNSTATED: tuple[Method, ...] = ("differences", "course")
EXACT = "none visible: the rows follow a smooth curve"

FEWEST_ROWS_FOR_SCATTER = 4
DIFFERENCE_FREEDOM = 0.514
"""Degrees of freedom that one second difference adds: 1 / (1 + 2 (4/6)^2 + 2 (1/6)^2)."""
CELL_MEMORY = 0.5


@dataclass(frozen=True)
class Noise:
    """What a test needs to know about the errors of the looks, arrays of shape (looks,).

    scatter: variance of a look's mean as its own data have it. local: its course over the run,
    in any unit (prompts and course only, else 1). widen: factor >= 1 on all variances used at
    look k. freedom: degrees of freedom behind the variances used at look k, inf = known. floor:
    variance never undercut. se: standard error of each look, for the chart. rows_freedom,
    cell_freedom: of one look's two scatters. rho_rows, rho: autocorrelation of rows as
    estimated, of looks as allowed for. careful_rho: of rows as allowed for. rows: rows a look.
    """

    method: Method
    scatter: FloatArray
    local: FloatArray
    widen: FloatArray
    freedom: FloatArray
    floor: FloatArray
    se: FloatArray
    rho_rows: float
    rho: float
    rows: int
    rows_freedom: int
    cell_freedom: int
    phrase: str
    careful_rho: float = 0.0


def noise_of_looks(
    rows: Rows,
    looks: Looks,
    size: int,
    stated: FloatArray | None,
    stated_phrase: str,
    prompts: PromptScatter | None,
    rho_rows: float | None = None,
) -> Noise:
    """The noise of the looks of one stretch.

    stated: standard error of each row's gold, shape (rows,), or None. prompts: scatter between
    prompts by look, or None. rho_rows: the rows' autocorrelation, None = estimate it.
    """
    if stated is None and is_exact(rows.gold):
        return _exact(rows, looks, size)
    steep = None
    if size == 1 and stated is None and not np.any(np.isfinite(rows.gold_sd)):
        steep = steep_fall(rows.gold)
    course = rows.gold if steep is None else steep.mended(rows.gold)
    rho_rows = estimate(course) if rho_rows is None else rho_rows
    careful = careful_rho(rho_rows, len(rows))
    if size >= FEWEST_ROWS_FOR_SCATTER or (size > 1 and stated is None):
        careful = max(careful, cautious(course))
    rho = between_looks(careful, size)
    count = len(looks)
    floor = np.zeros(count)
    if stated is not None:
        inflation = variance_inflation(careful, size)
        sizes = np.array([(b - a) ** 2 for a, b in looks.bounds])
        floor = _each_look(stated**2, looks, np.sum) / sizes * inflation
    blank = Noise(
        "stated",
        scatter=floor,
        local=np.ones(count),
        widen=np.ones(count),
        freedom=np.full(count, np.inf),
        floor=floor,
        se=np.sqrt(floor),
        rho_rows=rho_rows,
        rho=rho,
        rows=size,
        rows_freedom=0,
        cell_freedom=0,
        phrase=stated_phrase,
        careful_rho=careful,
    )
    if size >= FEWEST_ROWS_FOR_SCATTER:
        noise = _from_rows(rows, looks, blank)
        if prompts is not None:
            noise = _from_prompts(noise, prompts)
    elif stated is not None:
        noise = blank
    else:
        noise = _from_differences(rows, looks, blank)
        if steep is not None:
            noise = _beside_fall(noise, steep)
    if noise.method not in UNSTATED:
        noise = replace(noise, widen=excess_scatter(looks.gold, variances(noise)))
    return replace(noise, se=np.sqrt(np.diag(variances(noise))))


def variances(noise: Noise) -> FloatArray:
    """(looks, looks): [k, j] = variance of look j's mean as a test at look k uses it."""
    count = len(noise.scatter)
    if noise.method == "stated":
        table = np.tile(noise.scatter, (count, 1))
    elif noise.method in ("rows", "differences"):
        table = sharing(count) @ noise.scatter
    else:
        table = scale_so_far(noise.scatter, noise.local)[:, None] * noise.local[None, :]
    return np.maximum(table * noise.widen[:, None], noise.floor[None, :])


def scale_so_far(scatter: FloatArray, local: FloatArray) -> FloatArray:
    """What the course over the run must be multiplied by, from the looks so far, first axis."""
    total = np.cumsum(local, axis=0)
    return np.asarray(np.cumsum(scatter, axis=0) / np.where(total > 0, total, 1.0))


@kept(256)
def freedom_so_far(
    method: Method, looks: int, rows: int, rows_freedom: int, cell_freedom: int
) -> FloatArray:
    """Degrees of freedom behind the variances used at each look, shape (looks,), inf = known."""
    count = np.arange(1, looks + 1)
    if method == "stated":
        return np.full(looks, np.inf)
    if method == "prompts":
        return np.asarray(1 / (1 / (rows_freedom * count) + 1 / (3 * cell_freedom)))
    if method == "course":
        return np.asarray(np.maximum(DIFFERENCE_FREEDOM * (count * rows - 2), 0.5))
    weights = sharing(looks)
    pooled = np.array([1 / np.sum(weights[k, : k + 1].mean(axis=0) ** 2) for k in range(looks)])
    if method == "rows":
        return rows_freedom * pooled
    return np.maximum(DIFFERENCE_FREEDOM * (pooled * rows - (2 if rows == 1 else 0)), 0.5)


def _exact(rows: Rows, looks: Looks, size: int) -> Noise:
    """The noise of a noise-free curve: what its fourth differences leave, almost nothing."""
    variance = float(np.mean(np.diff(rows.gold, n=4) ** 2)) / 70
    ones = np.ones(len(looks))
    scatter = ones * variance / size
    # a fourth difference adds .38 degrees of freedom: a short smooth start may be luck
    known = np.full(len(looks), max(0.38 * (len(rows) - 4), 0.5))
    se = np.sqrt(scatter)
    return Noise(
        "stated",
        scatter=scatter,
        local=ones,
        widen=ones,
        freedom=known,
        floor=0 * ones,
        se=se,
        rho_rows=0.0,
        rho=0.0,
        rows=size,
        rows_freedom=0,
        cell_freedom=0,
        phrase=EXACT,
    )


def _from_rows(rows: Rows, looks: Looks, blank: Noise) -> Noise:
    scatter = np.empty(len(looks))
    for i, (start, end) in enumerate(looks.bounds):
        scatter[i] = _about_line(rows.gold[start:end], blank.careful_rho)
    _, freedom = line_freedom(blank.rows, round(blank.careful_rho, 3))
    return replace(
        blank,
        method="rows",
        scatter=scatter,
        freedom=freedom_so_far("rows", len(looks), blank.rows, freedom, 0),
        rows_freedom=freedom,
        phrase=f"from the spread of the {blank.rows} rows of each look",
    )


def _about_line(gold: FloatArray, rho: float) -> float:
    """Variance of the mean of a look's rows, from their residuals about a straight line."""
    count = len(gold)
    scale = float(np.max(np.abs(gold)))
    if scale == 0 or count <= 2:  # a line leaves nothing of two rows
        return 0.0
    expected, _ = line_freedom(count, round(rho, 3))
    variance = squares_about_line(gold / scale) / expected
    return variance * scale**2 * variance_inflation(rho, count) / count


def _from_prompts(noise: Noise, prompts: PromptScatter) -> Noise:
    local = smooth_so_far(prompts.variance)
    return replace(
        noise,
        method="prompts",
        scatter=noise.scatter * prompts.shared_prompts,
        local=local,
        freedom=freedom_so_far(
            "prompts", len(local), noise.rows, noise.rows_freedom, prompts.freedom
        ),
        cell_freedom=prompts.freedom,
        phrase="from the spread between rows, its course over the run from the spread between "
        "prompts",
    )


def smooth_so_far(values: FloatArray) -> FloatArray:
    """Exponentially weighted mean of this look and those before it, along the first axis."""
    smooth = np.empty_like(values)
    total, weight = values[0], 1.0
    smooth[0] = values[0]
    for i in range(1, len(values)):
        total = CELL_MEMORY * total + values[i]
        weight = CELL_MEMORY * weight + 1
        smooth[i] = total / weight
    return smooth


def _beside_fall(noise: Noise, steep: SteepFall) -> Noise:
    """The noise of single looks, one variance for all, from both sides of a steep fall."""
    inflation = variance_inflation(noise.careful_rho, 1)
    return replace(
        noise,
        scatter=np.full_like(noise.scatter, steep.variance * inflation),
        freedom=np.full_like(noise.freedom, float(steep.freedom)),
        phrase="from how gold scatters on either side of its one steep fall, as the log states no "
        "error",
    )


def difference_scatter(gold: FloatArray, course: FloatArray, rho: float) -> FloatArray:
    """Squared second differences over what rows of unit variance would give on average.

    gold: (rows, curves); course: (rows, 1), relative variance of each row; returns (rows, curves),
    each value at the last of its three rows; the first two borrow the third's.
    """
    expected = (course[:-2] + 4 * course[1:-1] + course[2:]) * (6 - 8 * rho + 2 * rho * rho) / 6
    squares = np.diff(gold, n=2, axis=0) ** 2 / expected
    return np.concatenate([squares[:1], squares[:1], squares])


def careful_rho(rho: float, rows: int) -> float:
    """An estimated autocorrelation and one standard error: too small a value alarms too often.

    Rounded to a tenth, at most .9, so that like runs share a simulated boundary.
    """
    if rho <= 0:
        return 0.0
    return min(0.9, round(10 * (rho + float(np.sqrt((1 - rho * rho) / rows)))) / 10)


def _from_differences(rows: Rows, looks: Looks, blank: Noise) -> Noise:
    known = np.isfinite(rows.gold_sd) & (rows.gold_sd > 0)
    course = rows.gold_sd / np.median(rows.gold_sd) if np.all(known) else np.ones(len(rows))
    method: Method = "course" if np.all(known) else "differences"
    factor = variance_inflation(blank.careful_rho, blank.rows) / blank.rows
    scatter = np.zeros(len(looks))
    local = _each_look(course**2, looks, np.mean)
    if len(rows) > 2:
        each = difference_scatter(rows.gold[:, None], course[:, None] ** 2, blank.careful_rho)[:, 0]
        scatter = local * factor * _each_look(each, looks, np.mean)
    phrase = "from how much gold jumps between successive evaluations, as the log states no error"
    if method == "course":
        phrase += "; its course over the run from the spread between responses"
    return replace(
        blank,
        method=method,
        scatter=scatter,
        local=local,
        freedom=freedom_so_far(method, len(looks), blank.rows, 0, 0),
        phrase=phrase,
    )


def _each_look(
    values: FloatArray, looks: Looks, of: Callable[[FloatArray], np.floating]
) -> FloatArray:
    """The mean or sum of the rows of each look, (rows,) to (looks,): where each is one, its own."""
    if len(looks) == len(values):
        return values
    return np.array([of(values[start:end]) for start, end in looks.bounds])
