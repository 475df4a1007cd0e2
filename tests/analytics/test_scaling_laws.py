"""Scaling laws: what is put in comes out, and intervals hold what they claim on known families."""

import dataclasses

import numpy as np
import pytest

from analytics.figures.laws.scaling import Path, proxy_axis_figure, scaling_figure
from analytics.gao import best_of_n_peak, rl_peak
from analytics.scaling_laws import best_of_n_family, predict, rl_family, trend, trends
from analytics.scaling_laws.words import alpha_words, few_sizes, prediction_words, trend_words
from analytics.simulated_families import SIZES, peak_of, simulate_family


def betas_over(family, fitted):
    return trend(family.sizes, fitted.betas, fitted.covariance[1:, 1:])


def test_without_noise_every_parameter_comes_back() -> None:
    family = simulate_family(1, noise=1e-7, scatter=0.0)
    fitted = rl_family(family.runs)
    assert fitted.alpha == pytest.approx(family.alpha, abs=1e-6)
    assert fitted.betas == pytest.approx(family.betas, abs=1e-6)
    line = betas_over(family, fitted)
    assert (line.intercept, line.slope) == pytest.approx((0.9, -0.06), abs=1e-5)
    for place, beta in enumerate(family.betas):
        kl, low, high = fitted.peak(place)
        truth = rl_peak(family.alpha, beta).kl
        assert kl == pytest.approx(truth, rel=1e-4)
        assert low <= truth * (1 + 1e-4) and high >= truth * (1 - 1e-4)
    made = predict(fitted, family.sizes, 3e7)
    assert made.kl == pytest.approx(peak_of(family.alpha, 0.9 - 0.06 * np.log10(3e7)), rel=1e-3)


def test_unit_and_origin_of_gold_move_no_peak_and_no_prediction() -> None:
    family = simulate_family(2)
    moved = [
        dataclasses.replace(r, gold=4 * r.gold + 3 * i, se=4 * r.se)
        for i, r in enumerate(family.runs)
    ]
    one, other = rl_family(family.runs), rl_family(moved)
    assert other.alpha == pytest.approx(4 * one.alpha, rel=1e-9)
    assert other.peak(3) == pytest.approx(one.peak(3), rel=1e-6)
    a, b = (predict(f, family.sizes, 5e7) for f in (one, other))
    assert (b.kl, b.low, b.high) == pytest.approx((a.kl, a.low, a.high), rel=1e-6)


@pytest.mark.parametrize("scatter", [0.0, 0.01, 0.03])
def test_intervals_hold_what_they_claim(scatter: float) -> None:
    count = 60
    alpha = slope = inside = beyond = doubted = 0
    for seed in range(count):
        family = simulate_family(seed, scatter=scatter)
        fitted = rl_family(family.runs)
        if fitted.alpha is None:
            doubted += 1
            alpha += 1  # nothing is claimed of it
        else:
            alpha += abs(fitted.alpha - family.alpha) < 1.645 * fitted.alpha_se
        line = trends(fitted, family.sizes)[1]
        slope += line.slope_low <= -0.06 <= line.slope_high
        random = np.random.default_rng([seed, 7])
        for wanted in (2e7, 4e9):
            made = predict(fitted, family.sizes, wanted)
            truth = peak_of(family.alpha, family.beta_at(wanted, random))
            covers = (made.low is None or made.low <= truth) and (
                made.high is None or truth <= made.high
            )
            inside += covers and wanted == 2e7
            beyond += covers and wanted == 4e9
    least = 0.90 - 4 * np.sqrt(0.09 / count)
    assert min(alpha, slope, inside, beyond) / count >= least
    assert doubted / count <= 0.05 + 4 * np.sqrt(0.0475 / count)


def test_more_scatter_and_more_noise_widen_a_prediction() -> None:
    def width(**kind) -> float:
        spans = []
        for seed in range(20):
            family = simulate_family(seed, **kind)
            made = predict(rl_family(family.runs), family.sizes, 2e7)
            spans.append(np.log(made.high / made.low))
        return float(np.mean(spans))

    assert width(scatter=0.0, noise=0.02) < width(scatter=0.0, noise=0.08)
    assert width(scatter=0.01) < width(scatter=0.03)


def test_different_alphas_are_noticed() -> None:
    family, other = simulate_family(1), simulate_family(5)
    assert abs(family.alpha - other.alpha) > 0.1
    fitted = rl_family([*family.runs[:3], *other.runs[3:]])
    assert fitted.alpha is None
    assert "the runs contradict one α for all (p < .001)" in alpha_words(fitted)
    # then each peak is that of the run's own fit
    for place, (run, whole) in enumerate(zip(fitted.runs, [family] * 3 + [other] * 3, strict=True)):
        truth = peak_of(whole.alpha, whole.betas[place])
        kl, low, high = fitted.peak(place)
        assert run == whole.runs[place].run and low < kl < high
        assert kl == pytest.approx(truth, rel=0.2)
    assert "do not contradict" in alpha_words(rl_family(family.runs))


@pytest.mark.parametrize(("sizes", "line"), [(2, False), (3, True)])
def test_too_few_sizes_are_refused_in_words(sizes: int, line: bool) -> None:
    family = simulate_family(0, sizes=SIZES[:sizes])
    fitted = rl_family(family.runs)
    assert (betas_over(family, fitted) is not None) == line
    made = predict(fitted, family.sizes, 1e7)
    assert made.kl is None and "too few" in made.refused
    assert "No prediction for 10,000,000" in prediction_words(made)
    assert f"{sizes} different sizes" in few_sizes(family.sizes)
    if not line:
        assert "cannot tell from 2 sizes" in trend_words("β", betas_over(family, fitted), 2)


def test_far_extrapolation_is_refused_and_near_one_named() -> None:
    family = simulate_family(0)
    fitted = rl_family(family.runs)
    assert "times outside" in predict(fitted, family.sizes, 1e11).refused
    near = predict(fitted, family.sizes, 3.6e9)
    assert near.outside == pytest.approx(3)
    assert "An extrapolation, 3 times outside" in prediction_words(near)
    assert few_sizes(family.sizes) == ""


def test_a_run_with_too_few_points_is_left_out_and_named() -> None:
    family = simulate_family(0)
    short = dataclasses.replace(
        family.runs[0], run="short", d=family.runs[0].d[:4],
        gold=family.runs[0].gold[:4], se=family.runs[0].se[:4],
    )  # fmt: skip
    fitted = rl_family([*family.runs, short])
    assert "short" not in fitted.runs
    assert fitted.left_out == (("short", "4 points with KL, gold and its error are too few"),)
    assert rl_family([short]) is None


def test_best_of_n_has_both_parameters_of_its_own() -> None:
    sizes = np.array([1e6, 1e7, 1e8, 1e9])
    alphas = 0.2 + 0.1 * np.log10(sizes)
    betas = 0.5 - 0.03 * np.log10(sizes)
    fitted = best_of_n_family(
        [f"p{i}" for i in range(4)], alphas, betas, [np.diag([1e-6, 1e-6])] * 4
    )
    kl, low, high = fitted.peak(1)
    truth = best_of_n_peak(alphas[1], betas[1]).kl
    assert kl == pytest.approx(truth) and low < truth < high
    made = predict(fitted, sizes, 3e8)
    at = best_of_n_peak(0.2 + 0.1 * np.log10(3e8), 0.5 - 0.03 * np.log10(3e8)).kl
    assert made.low < at < made.high and made.kl == pytest.approx(at, rel=1e-6)
    assert "each pool has its own" in alpha_words(fitted)


def test_runs_without_a_size_still_help_to_say_alpha() -> None:
    family = simulate_family(0)
    fitted = rl_family(family.runs)
    part = fitted.only([1, 3, 4, 5])
    assert part.alpha == fitted.alpha and part.runs == tuple(fitted.runs[i] for i in (1, 3, 4, 5))
    assert part.peak(1) == fitted.peak(3)
    assert trends(part, family.sizes[[1, 3, 4, 5]])[0] is None
    pools = best_of_n_family("abc", fitted.alphas[:3], fitted.betas[:3], [np.eye(2) * 1e-6] * 3)
    assert pools.only([2]).peak(0) == pools.peak(2)


def test_figures_draw_every_run_and_name_what_is_simulated() -> None:
    family = simulate_family(0)
    fitted = rl_family(family.runs)
    fell = betas_over(family, fitted)
    made = predict(fitted, family.sizes, 3e9)
    figure = scaling_figure(
        fitted, family.sizes, range(6), "size", None, fell, made, simulated=True
    )
    assert figure.layout.title.text == "SIMULATED, not measured"
    peaks = [t for t in figure.data if t.yaxis == "y" and t.mode == "markers"]
    assert [t.x[0] for t in peaks] == [*family.sizes, 3e9]
    assert peaks[-1].y[0] + peaks[-1].error_y.array[0] == pytest.approx(made.high)
    plain = scaling_figure(fitted, family.sizes, range(6), "size", None, fell, None)
    assert plain.layout.title.text is None
    line = np.arange(5.0)
    paths = [Path("a<b>", 0, "RL", line, line, line, [None] * 5),
             Path("pool", 1, "best-of-n", line, 2 * line, line, [1.0] * 5)]  # fmt: skip
    figure = proxy_axis_figure(paths)
    assert [t.line.dash for t in figure.data] == ["solid", "dot"]
    assert figure.layout.xaxis.title.text.startswith("proxy reward")
    assert figure.data[0].name == "a‹b›, RL" and figure.layout.showlegend


@pytest.mark.parametrize("exponent", [0.25, 0.5, 1.0])
def test_peaks_hold_where_gold_lies_off_the_rl_form_and_the_rest_is_refused(exponent) -> None:
    covered = refused = 0
    for seed in range(20):
        family = simulate_family(seed, exponent=exponent)
        fitted = rl_family(family.runs)
        made = predict(fitted, family.sizes, 2e7)
        refused += bool(made.refused) and trends(fitted, family.sizes) == (None, None)
        for place, beta in enumerate(family.betas):
            _, low, high = fitted.peak(place)
            truth = peak_of(family.alpha, beta)
            covered += (low is None or low <= truth) and (high is None or truth <= high)
    assert covered / 120 >= 0.9 - 4 * np.sqrt(0.09 / 120)
    assert refused == 20
    assert "contradicts the RL form" in alpha_words(fitted)
    assert "contradicts the RL form" in prediction_words(made)
    where = "best-of-n form" if exponent == 1 else "between both forms"
    assert where in made.refused


def test_what_few_noisy_points_cannot_tell_is_refused_not_guessed() -> None:
    family = simulate_family(3, noise=0.15, looks=8, d_end=3.0)
    fitted = rl_family(family.runs)
    assert 0.0 in fitted.forms.exponents and len(fitted.forms.exponents) > 1
    assert "cannot tell between" in predict(fitted, family.sizes, 2e7).refused
    part = fitted.only([1, 3])
    assert part.peak(1) == fitted.peak(3)
    figure = scaling_figure(part, family.sizes[[1, 3]], range(2), "size", None, None, None)
    assert {trace.yaxis for trace in figure.data} <= {"y"}


def test_the_rl_form_is_seldom_given_up_where_it_is_true() -> None:
    established = [rl_family(simulate_family(seed).runs).established for seed in range(40)]
    assert np.mean(established) >= 0.95 - 4 * np.sqrt(0.0475 / 40)
