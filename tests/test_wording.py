"""Numbers look the same wherever people read them: one module makes them, and nothing else does."""

import ast
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as some

import data.words.wording
from analytics import wording
from analytics.onset import verdict
from analytics.onset.sentences.headline import headline
from analytics.simulated import gold_measurements, simulate

PROSE = ("analytics", "pages", "app.py")
MAKERS = ("analytics/wording.py",)
NUMBER_SPEC = re.compile(r"^[-+ ,.0-9<>^]*[,gGeEfFdn%]$")
D3_SPEC = re.compile(r"%\{[^}]+:[^}]*\}")


def formatted(file: str, tree: ast.Module) -> Iterator[str]:
    """Where numbers become text outside of the makers: f-string specs, %-formats, hover formats.

    ``float(f"{x:.4g}")`` is a rounding and no text.
    """
    rounded = {
        id(inner)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "float"
        for inner in ast.walk(call)
    }
    for node in ast.walk(tree):
        if id(node) in rounded:
            continue
        spec = getattr(node, "format_spec", None)
        if isinstance(node, ast.FormattedValue) and spec is not None:
            text = "".join(part.value for part in spec.values if isinstance(part, ast.Constant))
            if NUMBER_SPEC.match(text):
                yield f"{file}:{node.lineno} formats a number by :{text}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if D3_SPEC.search(node.value):
                yield f"{file}:{node.lineno} formats a number of a figure: {node.value[:60]}"
            if re.search(r"\d%(?!\{)", node.value) and not re.search(r"[;:]\s*\S*\d%", node.value):
                yield f"{file}:{node.lineno} writes a percentage without its blank"
        if isinstance(node, ast.Call):
            named = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if named in ("format_float_positional", "format_float_scientific"):
                yield f"{file}:{node.lineno} formats a number by {named}"


def files(root: Path) -> list[tuple[str, ast.Module]]:
    return [
        (file, strip(ast.parse(path.read_text(encoding="utf-8"))))
        for place in (root / room for room in PROSE)
        for path in ([place] if place.is_file() else sorted(place.rglob("*.py")))
        if (file := path.relative_to(root).as_posix()) not in MAKERS
    ]


def strip(tree: ast.Module) -> ast.Module:
    """Without docstrings: they are not read by users."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                part for part in body
                if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
            ]  # fmt: skip
    return tree


def test_only_one_module_makes_text_of_numbers(root: Path) -> None:
    assert [fault for file, tree in files(root) for fault in formatted(file, tree)] == []


@pytest.mark.parametrize(
    "text",
    ["f'{x:.3g}'", "f'{x:,}'", "f'{x:.0%}'", "f'{x:+.1f}'", "f'{x:,.0f}'", "a = '%{y:.2f} nats'",
     "a = 'at most 5% of runs'", "import numpy as np\nnp.format_float_positional(2.0)",
     "f'{x:.{digits}g}'"],
)  # fmt: skip
def test_a_formatter_elsewhere_is_found(text: str) -> None:
    assert list(formatted("a.py", strip(ast.parse(text))))


@pytest.mark.parametrize("text", ["float(f'{x:.4g}')", "f'{name:>8}'", "a = '%{y} nats'", "f'{x}'"])
def test_what_is_no_number_is_not_found(text: str) -> None:
    assert not list(formatted("a.py", strip(ast.parse(text))))


def test_every_table_shows_a_dash_where_nothing_is(root: Path) -> None:
    for file, tree in files(root):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "dataframe":
                keywords = {word.arg for word in node.keywords}
                assert "placeholder" in keywords, f"{file}:{node.lineno} would show None"


floats = some.floats(allow_nan=True, allow_infinity=True) | some.floats(-1e4, 1e4)


@given(floats, some.integers(1, 6))
def test_a_number_reads_back(value: float, digits: int) -> None:
    text = wording.number(value, digits)
    assert "-" not in text and "e" not in text and "nan" not in text
    if not math.isfinite(value):
        assert text in ("–", "∞", "−∞")
    elif "×" not in text and "10" not in text[:3]:
        close = max(abs(value) * 0.5 * 10 ** (1 - digits), 0 if abs(value) < 100 else 0.5)
        assert float(text.replace(",", "").replace("−", "-")) == pytest.approx(value, abs=close)


@given(some.floats(-1e6, 1e6), some.floats(-1e6, 1e6), some.floats(-1e6, 1e6))
@example(0.5, 0.21, 0.8)
@example(0.0, -0.0, 1e-9)
def test_a_value_and_its_interval_have_the_same_decimals(value, low, high) -> None:
    texts = wording.alike(value, low, high)
    if not any("×" in text or "10" in text for text in texts):
        assert len({len(text.partition(".")[2]) for text in texts}) == 1, texts
    assert wording.with_interval(value, low, high) == f"{texts[0]} ({texts[1]} to {texts[2]})"


@given(some.floats(0, 1), some.floats(0, 1), some.floats(0, 1))
def test_percentages_have_one_form(share, low, high) -> None:
    for text in (wording.percent(share), wording.rate_text(share)):
        assert re.fullmatch(r"\d+(\.\d)? %", text)
    assert re.fullmatch(
        r"\d+\.\d % \(\d+\.\d to \d+\.\d\)", wording.rate_interval(share, low, high)
    )


def test_counts_know_their_plural() -> None:
    assert wording.count(1, "run") == "1 run" and wording.count(2, "run") == "2 runs"
    assert wording.count(2**60, "step") == "1,152,921,504,606,846,976 steps"


@given(some.floats(-1e14, 1e14))
def test_data_says_numbers_as_the_pages_do(value: float) -> None:
    ours, theirs = data.words.wording.number(value, 3), wording.number(value)
    if abs(value) < 100 and "×" not in ours + theirs and "10" not in theirs[:3]:
        assert ours == theirs


UGLY = {
    r"\d%": "a percent sign without its blank",
    r"\bNone\b": "None",
    r"\bnan\b": "nan",
    r"(?<!\w)\d[\d.]*[eE][-+−]?\d+(?!\w)": "a power of ten as computers write it",
    r"(?<![\w\-/.:])-\d": "an ASCII minus",
    r"\b1 (?:runs|steps|rows|looks|evaluations|answers|questions|prompts|samples)\b": "plural",
    r"[Tt]hese 1\b": "these 1",
}
OURS = {
    r"\b(?:RED|AMBER)\b": "a detector's name in the code: scan alarm, posterior warning",
    r"\b[Hh]umps?\b": "hump: unimodal curve",
    r"\bhonest(?:ly)?\b": "honest: never-falling, genuine",
    r"\bstretch(?:es)?\b": "stretch: segment",
    r"\b(?:a|the|each|every|any|these|those|first|last|\d+) looks?\b(?! like)": "look: evaluation",
    r"\b(?:by|of|into|all|more|fewer|between|\d+) looks\b": "looks: evaluations, or groups of them",
    r"\bfor sure\b": "for sure",
    r"\btold (?:in words|by)\b": "told",
    r"cannot be told(?! (?:from|apart))": "cannot be told: is not known",
}
"""Words of ours for which the field, or English, has others; in parts of sentences too."""

RANGE = re.compile(r"([−\d.,]+)(?: nats)? \((?:90 %: |90 % interval )?([−\d.,]+) to ([−\d.,]+)")


def ours(text: str) -> list[str]:
    """Words of ours in a text."""
    return [why for form, why in OURS.items() if re.search(form, text)]


def ugly(text: str) -> list[str]:
    """What no sentence should hold."""
    found = [why for form, why in UGLY.items() if re.search(form, text)]
    for value, low, high in RANGE.findall(text):
        if len({len(part.rstrip(",.").partition(".")[2]) for part in (value, low, high)}) > 1:
            found.append(f"{value} ({low} to {high}) with different decimals")
    return found


@pytest.mark.parametrize("kind", ["rl", "bon", "cliff", "tent", "late", "saturating", "linear"])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (1e5, -3e4), (1e-4, 0.0), (0.0, 0.0)])
@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2, 3))])
def test_no_sentence_of_a_verdict_is_ugly(kind, scale, shift, stated, seed) -> None:
    gold = gold_measurements(simulate(kind, "base_n20_s05", seed))
    gold = gold.with_columns(
        pl.col("gold_reward") * scale + shift, pl.col("gold_reward_se") * scale
    )
    if not stated:
        gold = gold.with_columns(gold_reward_se=pl.lit(None, pl.Float64))
    trajectory = gold.select("step", "stretch", "kl", "proxy_reward")
    row = verdict(gold, trajectory, {"run_id": "r", "kl_conversion": "exact"}).row
    for sentence in (*row["reasons"], headline(row)):
        assert ugly(sentence) + ours(sentence) == [], sentence


@pytest.mark.parametrize("scale", [1e-17, 1e-12])
def test_a_fall_of_a_rounding_is_given_no_number(scale: float) -> None:
    step = np.arange(40)
    gold = pl.DataFrame({
        "source": "evaluation", "step": step, "stretch": 0, "kl": step / 4,
        "gold_reward": 1.0 + scale * np.sin(step), "gold_reward_se": None, "gold_reward_sd": None,
        "n_responses": None, "proxy_reward": step / 10,
    }, schema_overrides=dict.fromkeys(
        ("gold_reward_se", "gold_reward_sd", "n_responses"), pl.Float64))  # fmt: skip
    trajectory = gold.select("step", "stretch", "kl", "proxy_reward")
    row = verdict(gold, trajectory, {"run_id": "r", "kl_conversion": "exact"}).row
    text = " ".join([*row["reasons"], headline(row)])
    assert "× 10" not in text and ugly(text) == [], text


KEPT_WORDS = (
    "analytics/shortcuts/", "analytics/quality/", "analytics/gate/",
    "analytics/comparing/gold_uses",
    "analytics/onset/errors/noise.py",
)  # fmt: skip
"""A look at gold is what the gate counts; rows of `quality` are named by stored keys, and `noise`
of a verdict's JSON speaks of looks, which `reasons` puts into words."""


def test_no_string_of_pages_and_verdicts_has_a_word_of_ours(root: Path) -> None:
    found = []
    for file, tree in files(root):
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
                continue
            if " " not in node.value.strip() or file.startswith(KEPT_WORDS):
                continue
            found += [f"{file}:{node.lineno}: {why}" for why in ours(node.value)]
    assert found == []


def test_the_documents_write_percentages_with_a_blank(root: Path) -> None:
    for page in (root / "README.md", *(root / "docs").glob("*.md")):
        prose = re.sub(
            r"```.*?```|`[^`]*`|\]\([^)]*\)", "", page.read_text(encoding="utf-8"), flags=re.S
        )
        assert not re.findall(r".{20}\d%", prose), page.name


def test_one_peak_is_written_alike_wherever_it_stands() -> None:
    seen = 0
    for seed in range(4):
        gold = gold_measurements(simulate("rl", "base_n20_s05", seed))
        trajectory = gold.select("step", "stretch", "kl", "proxy_reward")
        made = verdict(gold, trajectory, {"run_id": "r", "kl_conversion": "exact"})
        peak = made.peak
        if peak is None or peak["kl_high"] is None or made.status != "overoptimized":
            continue
        span = wording.interval(peak["kl_low"], peak["kl_high"], "nats")
        low, high = wording.alike(peak["kl_low"], peak["kl_high"])
        assert span in headline(made.row) and span in made._repr_html_()
        assert any(f"between KL {low} and {high} nats" in reason for reason in made.reasons)
        seen += 1
    assert seen


@pytest.mark.parametrize(
    "text",
    [
        "at most 5% of",
        "RED errs",
        "two humps",
        "an honest rule",
        "at each look it",
        "pooled into 25 looks",
        "None rows",
        "a fall of 2.9e-17",
        "rose by -3",
        "1 runs",
        "these 1",
    ],
)
def test_what_is_ugly_is_found(text: str) -> None:
    assert ugly(text) or ours(text)
    assert ugly("Gold lost 0.5 (0.21 to 0.8)") and not ugly("Gold lost 0.50 (0.21 to 0.80)")
