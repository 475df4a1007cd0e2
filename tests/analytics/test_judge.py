"""The door for notebooks: a frame of any kind, the verdict of the statistics, clear sentences."""

import json
import re
import warnings
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.computing.any_frame import FrameError, numbers, polars_frame
from analytics.onset import judge, verdict
from analytics.onset.alarm.spending import plan_of
from analytics.onset.judging import run_facts
from data.columns import RunFacts

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = ("step", "kl", "proxy_reward", "gold_reward", "gold_reward_se")


def hump(rows: int = 24, seed: int = 0) -> pl.DataFrame:
    d = np.linspace(0, 6, rows)
    noise = 0.03 * np.random.default_rng(seed).standard_normal(rows)
    return pl.DataFrame(
        {
            "step": np.arange(rows) * 10,
            "kl": d**2,
            "proxy_reward": d,
            "gold_reward": d * (4 - d) / 4 + noise,
            "gold_reward_se": 0.03,
        }
    )


FRAME = hump()
RIGHT = judge(FRAME)

FORMS = {
    "polars lazy": FRAME.lazy(),
    "pandas": FRAME.to_pandas(),
    "pyarrow": FRAME.to_arrow(),
    "dict of lists": FRAME.to_dict(as_series=False),
    "dict of arrays": {name: FRAME[name].to_numpy() for name in FRAME.columns},
    "unsorted": FRAME.sample(fraction=1, shuffle=True, seed=1),
    "text": FRAME.cast(pl.String),
    "pandas objects": FRAME.to_pandas().astype(object),
    "pandas nullable": FRAME.to_pandas().convert_dtypes(),
    "decimals": FRAME.to_pandas().assign(step=[Decimal(10 * i) for i in range(24)]),
    "steps as floats": FRAME.with_columns(pl.col("step").cast(pl.Float64)),
    "categories": FRAME.with_columns(pl.col("step").cast(pl.String).cast(pl.Categorical)),
    "further columns": FRAME.with_columns(note=pl.lit("x"), when=pl.lit(datetime(2026, 1, 1))),
    "rows without gold": pl.concat(
        [FRAME, FRAME.select("step", "kl", "proxy_reward").with_columns(pl.col("step") + 5)],
        how="diagonal",
    ).sort("step").filter(pl.col("step") <= 230),
    "NaN for none": pl.concat(
        [FRAME, pl.DataFrame({"step": [3], "gold_reward": [float("nan")]})], how="diagonal"
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_frame_of_any_kind_has_the_same_verdict(form: str) -> None:
    found = judge(FORMS[form])
    assert (found.status, found.peak, found.alarm) == (RIGHT.status, RIGHT.peak, RIGHT.alarm)
    assert found.flags == RIGHT.flags


def test_a_relation_of_a_database_is_a_lazy_frame() -> None:
    source = FRAME  # noqa: F841 - DuckDB finds it by name
    assert judge(duckdb.sql("select * from source")).to_dict() == RIGHT.to_dict()


def test_the_verdict_is_that_of_the_statistics() -> None:
    gold = FRAME.with_columns(source=pl.lit("table"), stretch=pl.lit(0))
    row = verdict(gold, gold, {"gold_kind": "score"}).row
    assert RIGHT.to_dict() == row
    assert (RIGHT.status, RIGHT.peak, RIGHT.alarm) == (row["status"], row["peak"], row["alarm"])
    assert (RIGHT.gold_lost, RIGHT.reasons) == (row["gold_lost"], row["reasons"])
    assert RIGHT.status == "overoptimized" and RIGHT.peak["kl_low"] < 4 < RIGHT.peak["kl_high"]
    json.dumps(RIGHT.to_dict(), allow_nan=False)
    changed = RIGHT.to_dict()
    changed["peak"]["kl"] = -1
    assert RIGHT.peak["kl"] > 0


def test_named_columns() -> None:
    named = dict(zip(COLUMNS, ("t", "objective/kl", "rm", "acc", "err"), strict=True))
    frame = FRAME.rename(named)
    asked = {"step": "t", "kl": "objective/kl", "proxy": "rm", "gold": "acc", "gold_se": "err"}
    assert judge(frame, **asked).to_dict() == RIGHT.to_dict()
    constant = judge(frame.drop("err"), **(asked | {"gold_se": 0.03}))
    assert constant.to_dict() == RIGHT.to_dict()


def test_absent_defaults_are_flags_and_named_ones_errors() -> None:
    for absent, flag in (("kl", "kl_missing"), ("proxy_reward", "proxy_missing")):
        assert flag not in RIGHT.flags
        verdict = judge(FRAME.drop(absent))
        assert flag in verdict.flags
        option = "kl" if absent == "kl" else "proxy"
        assert judge(FRAME, **{option: None}).to_dict() == verdict.to_dict()
        empty = FRAME.with_columns(pl.lit(None).alias(absent))
        assert flag in judge(empty).flags
    for option in ("gold", "kl", "proxy", "gold_se", "step", "n_responses", "n_prompts", "gold_sd"):
        with pytest.raises(FrameError, match=r"no column 'gold_rewrd'; did you mean 'gold_reward'"):
            judge(FRAME, **{option: "gold_rewrd"})
    for absent in ("gold_reward", "step"):
        with pytest.raises(FrameError, match=rf"no column '{absent}'.*There are: 'step'|'kl'"):
            judge(FRAME.drop(absent))
    for option in ("n_responses", "n_prompts"):  # ours by name, but named
        with pytest.raises(FrameError, match=f"no column '{option}'"):
            judge(FRAME, **{option: option})


def with_cell(column: str, cell: object) -> pd.DataFrame:
    frame = FRAME.to_pandas().astype({column: object})
    return frame.assign(**{column: [*frame[column][:5], cell, *frame[column][6:]]})


WRONG = [
    (FRAME.with_columns(step=pl.lit(datetime(2026, 1, 1))), "'step' holds dates or times"),
    (FRAME.with_columns(pl.col("step") + 0.5), "'step' holds 0.5; expected .* whole"),
    (FRAME.with_columns(kl=pl.lit([1.0])), "'kl' holds cells of the type List"),
    (FRAME.with_columns(gold_reward=pl.lit(True)), "'gold_reward' holds true and false"),
    (with_cell("kl", "high"), r"'kl' holds 'high' in row 5"),
    (with_cell("step", "step 7"), r"'step' holds 'step 7' in row 5"),
    (with_cell("gold_reward", {}), r"'gold_reward' holds '\{\}' in row 5"),
    (FRAME.with_columns(pl.col("gold_reward").cast(pl.String).replace("0.0", "x") + "?"), "row 0"),
    (FRAME.to_pandas().set_index("step"), "it is the frame's index: frame.reset_index()"),
    (FRAME.with_columns(gold_reward_se=pl.lit(-1.0)), "'gold_reward_se' holds −1; .*above 0"),
    (FRAME.with_columns(phase=pl.lit("warmup")), "'phase' holds 'warmup'; expected 'train'"),
    (pd.DataFrame([[1, 2]], columns=["step", "step"]), "cannot be read as a frame .*unique"),
    (pd.DataFrame({0: [1]}), "a name of its own for each column"),
    ({"step": [1, 2], "gold_reward": [1.0]}, "not equally long: 'step' 2, 'gold_reward' 1"),
    ({"step": 1}, "'step' of the dict holds 1; expected a list"),
    ([1, 2], "list cannot be read as a frame"),
    (None, "cannot be read as a frame"),
    (FRAME["kl"], "cannot be read as a frame"),
    (FRAME.to_numpy(), "cannot be read as a frame"),
    (pl.concat([FRAME] * 3), r"24 steps in 72 rows of gold; expected one row a step"),
]


@pytest.mark.parametrize(("frame", "sentence"), WRONG, ids=[sentence for _, sentence in WRONG])
def test_what_cannot_be_judged_is_said_in_a_sentence(frame: object, sentence: str) -> None:
    with pytest.raises(FrameError, match=sentence) as refusal:
        judge(frame)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"plan": 0}, "plan is 0"),
        ({"plan": 2.5}, "plan is 2.5"),
        ({"gold_kind": "accuracy"}, "no gold_kind 'accuracy'; there are: score, rate, win_rate"),
        ({"n_responses": 0}, "'n_responses' holds 0"),
        ({"n_responses": 10, "n_prompts": 20}, "20 prompts for 10 responses at step 0"),
        ({"proxy": "gold_reward"}, "gold and proxy are both 'gold_reward'"),
    ],
)
def test_wrong_arguments(options: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        judge(FRAME, **options)


@pytest.mark.parametrize("library", ["polars", "lazy", "pandas", "pyarrow", "dict"])
def test_several_runs_come_with_the_code_to_judge_each(library: str) -> None:
    several = pl.concat([hump(seed=i).with_columns(run_id=pl.lit(name))
                         for i, name in enumerate(("a", "b"))])  # fmt: skip
    frame = {
        "polars": several,
        "lazy": several.lazy(),
        "pandas": several.to_pandas(),
        "pyarrow": several.to_arrow(),
        "dict": several.to_dict(as_series=False),
    }[library]
    with pytest.raises(
        FrameError, match=r"2 runs \(a, b\); judge each by itself: (.*)$"
    ) as refusal:
        judge(frame)
    code = re.search(r"itself: (.*)$", str(refusal.value))[1]
    each = eval(code, {"judge": judge, "frame": frame, "pl": pl})
    assert {run: found.row["run"] for run, found in each.items()} == {"a": "a", "b": "b"}


def test_repeated_steps_infinities_and_lost_steps() -> None:
    resumed = pl.concat([FRAME.head(12).with_columns(gold_reward=pl.lit(9.0)), FRAME])
    found = judge(resumed)
    assert found.alarm == RIGHT.alarm and "duplicate_steps" in found.flags
    with pytest.warns(UserWarning, match="'kl' holds 1 infinite values") as seen:
        judge(FRAME.with_columns(kl=pl.when(pl.col("step") == 30).then(np.inf).otherwise("kl")))
    assert seen[0].filename == __file__
    lost = pl.concat([FRAME, pl.DataFrame({"gold_reward": [99.0]})], how="diagonal")
    with pytest.warns(UserWarning, match="1 rows have no step"):
        assert judge(lost).alarm == RIGHT.alarm


def test_an_empty_frame_and_one_without_gold() -> None:
    assert judge(FRAME.clear()).status == "unmeasured"
    nothing = judge(FRAME.with_columns(gold_reward=pl.lit(None, pl.Float64)))
    assert nothing.status == "unmeasured" and nothing.peak is nothing.alarm is None
    assert judge({"step": [], "gold_reward": []}).status == "unmeasured"
    assert judge(FRAME.head(3)).status == "too_little_gold"
    for found in (nothing, judge(FRAME.clear()), judge(FRAME.head(1))):
        assert found.plot() is not None and found._repr_html_() and repr(found)


def test_gold_sources_are_never_pooled() -> None:
    other = FRAME.with_columns(gold_reward=pl.lit(0.0), gold_source=pl.lit("a judge"))
    both = pl.concat([other, FRAME.with_columns(gold_source=pl.lit("training"))])
    assert judge(both).row["gold_source"] == "training"
    assert judge(both).row["gold_sources"] == ["training", "a judge"]
    assert judge(both).alarm == RIGHT.alarm
    phased = FRAME.with_columns(phase=pl.lit("train"))
    assert judge(phased).row["gold_source"] == "training"
    assert "prompts_vary" in judge(phased).flags


def shares(prompts: int, each: int, seed: int, alike: float = 0.9) -> pl.DataFrame:
    """A flat rate of prompts whose responses are mostly all right or all wrong."""
    random = np.random.default_rng(seed)
    same = random.random((24, prompts, 1)) < alike
    own = random.random((24, prompts, each)) < 0.5
    right = np.where(same, random.random((24, prompts, 1)) < 0.5, own)
    d = np.linspace(0, 6, 24)
    return pl.DataFrame(
        {"step": np.arange(24) * 10, "kl": d**2, "proxy_reward": d,
         "gold_reward": right.mean(axis=(1, 2))}
    )  # fmt: skip


def test_prompts_count_in_place_of_responses() -> None:
    frame = shares(50, 8, 0, alike=0.0)
    answers = judge(frame, n_responses=400)
    prompts = judge(frame, n_responses=400, n_prompts=50)
    assert answers.row["noise"] == "binomial, from the number of responses"
    assert prompts.row["noise"] == "binomial, from the number of prompts"
    ratio = prompts.looks["gold_se"].mean() / answers.looks["gold_se"].mean()
    assert ratio == pytest.approx(np.sqrt(8), rel=0.06)
    spread = FRAME.drop("gold_reward_se").with_columns(gold_reward_sd=pl.lit(0.3))
    bound = judge(spread, n_responses=80, n_prompts=10)
    assert bound.looks["gold_se"][0] == pytest.approx(0.3 / np.sqrt(10))
    assert "upper bound" in bound.row["noise"]
    assert judge(spread, n_responses=80).looks["gold_se"][0] == pytest.approx(0.3 / np.sqrt(80))
    # a standard error that is stated is taken
    assert (
        judge(FRAME, n_responses=80, n_prompts=10).looks["gold_se"].equals(RIGHT.looks["gold_se"])
    )


@pytest.mark.parametrize(
    ("runs", "most", "least"), [(20, 3, 5), pytest.param(40, 5, 10, marks=pytest.mark.long)]
)
def test_false_alarms_where_responses_to_a_prompt_go_together(
    runs: int, most: int, least: int
) -> None:
    """Of 20, one in two would keep to 3 alarms in 1 case of 780."""
    counted = {
        n_prompts: sum(
            judge(shares(50, 8, seed), n_responses=400, n_prompts=n_prompts).alarm is not None
            for seed in range(runs)
        )
        for n_prompts in (None, 50)
    }
    assert counted[50] <= most < least <= counted[None]


def test_prompts_that_are_partly_missing_are_refused() -> None:
    some = FRAME.with_columns(n_prompts=pl.when(pl.col("step") > 50).then(8))
    with pytest.raises(FrameError, match="n_prompts is missing in 6 of 24 rows"):
        judge(some)
    assert judge(FRAME.with_columns(n_prompts=pl.lit(None))).to_dict() == RIGHT.to_dict()


def test_counts_that_tell_nothing_are_said() -> None:
    frame = FRAME.drop("gold_reward_se")
    with pytest.warns(UserWarning, match="gold's error was taken from its jumps"):
        verdict = judge(frame, n_responses=96)
    assert "gold_noise_unknown" in verdict.flags
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judge(shares(50, 8, 0), n_responses=400)
        judge(frame, n_responses=96, gold_sd=1.0)


def test_a_rate_is_known_by_its_counts_alone() -> None:
    frame = shares(50, 8, 1)
    assert "binomial" in judge(frame, n_responses=400).row["noise"]
    rounded = frame.with_columns(pl.col("gold_reward").round(3))
    with pytest.warns(UserWarning, match="jumps"):
        assert "binomial" not in judge(rounded, n_responses=400).row["noise"]
    assert "binomial" in judge(rounded, n_responses=400, gold_kind="rate").row["noise"]


def test_a_plan_is_kept() -> None:
    verdict = judge(FRAME, plan=30)
    assert verdict.row["plan"] == {"looks": 30, "stated": True}
    assert RIGHT.row["plan"] == {"looks": 48, "stated": False}
    by_steps = judge(FRAME.with_columns(max_steps=pl.lit(290)))
    assert by_steps.row["plan"] == verdict.row["plan"]
    assert plan_of(FRAME["step"].to_numpy(), 290) == plan_of(FRAME["step"].to_numpy(), None, 30)
    with pytest.warns(UserWarning, match="2 evaluations are too few"):
        judge(FRAME, plan=2)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def test_html_is_escaped_and_sets_no_colour_of_text() -> None:
    odd = "<img src=x onerror=alert(1)>"
    verdict = judge(FRAME.with_columns(run_id=pl.lit(odd)))
    html = verdict._repr_html_()
    parser = Tags()
    parser.feed(html)
    assert set(parser.tags) <= {
        "div",
        "p",
        "span",
        "b",
        "table",
        "tr",
        "th",
        "td",
        "ul",
        "li",
        "small",
    }
    assert "overoptimized" in html and "gold peaks at (90 %)" in html and "alarm" in html
    colours = re.findall(r"(?<![-\w])color:([^;\"]+)", html)
    assert colours == ["inherit"]  # the table's too: reads in a light and a dark notebook
    flagged = judge(FRAME.drop("kl", "proxy_reward"))._repr_html_()
    assert "kl missing" in flagged and "proxy missing" in flagged
    assert "step" in flagged and " nats" not in flagged
    assert odd not in str(verdict.plot().to_json())


def test_the_chart_is_the_pages_own() -> None:
    figure = RIGHT.plot()
    names = {trace.name for trace in figure.data}
    assert {"gold reward", "proxy reward"} <= names
    assert len(figure.layout.shapes) >= 2  # where gold peaks, and the alarm
    assert RIGHT.plot("step").layout.xaxis.title.text == "optimiser step"
    for axis, sentence in (("time", "no axis 'time'"),):
        with pytest.raises(ValueError, match=sentence):
            RIGHT.plot(axis)
    with pytest.raises(ValueError, match="KL was not measured"):
        judge(FRAME.drop("kl")).plot("kl")


def test_a_misspelt_fact_is_an_error() -> None:
    gold = FRAME.with_columns(source=pl.lit("table"))
    with pytest.raises(
        ValueError, match=r"no run metadata 'kl_convertion'.*did you mean 'kl_conversion'"
    ):
        verdict(gold, gold, {"kl_convertion": "exact"})
    with pytest.raises(FrameError, match="no column 'source'"):
        verdict(FRAME, FRAME, {})
    assert verdict(gold.to_pandas(), gold.to_arrow(), {}).row == verdict(gold, gold, {}).row


def test_known_facts_are_those_that_are_read() -> None:
    read = set()
    for file in (ROOT / "analytics" / "onset").rglob("*.py"):
        if file.stem not in ("siblings", "notebook"):  # what runs must share is asked elsewhere
            read |= set(re.findall(r"""\bfacts(?:\.get\(|\[)"(\w+)\"""", file.read_text()))
    assert read == set(run_facts.FACTS)
    of_a_log = {field.name for field in fields(RunFacts)} | {"run_id", "project"}
    assert read - of_a_log == {"evaluations_planned", "proxy_missing"}


CELLS = st.one_of(
    st.none(), st.floats(), st.integers(-(10**30), 10**30), st.text(max_size=4), st.booleans(),
    st.binary(max_size=3), st.lists(st.integers(), max_size=2), st.decimals(), st.datetimes(),
    st.just(pd.NA),
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8), st.sampled_from(["dict", "pandas"]))
def test_any_cells_are_judged_or_refused_in_a_sentence(cells: list, library: str) -> None:
    columns = {
        name: [row[i] for row in cells] for i, name in enumerate(("step", "kl", "gold_reward"))
    }
    try:
        frame = columns if library == "dict" else pd.DataFrame(columns, dtype=object)
    except (ValueError, OverflowError):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            judge(frame)
        except FrameError as error:
            reason = str(error)
        else:
            reason = "column"
    assert re.search(r"column|frame|lists|dict", reason)


def test_words_for_missing_numbers_are_missing() -> None:
    made = numbers(pl.Series("x", ["1", " 2.5 ", "NaN", "", "None", None]))
    assert made.fill_nan(None).to_list() == [1, 2.5, None, None, None, None]
    assert polars_frame(FRAME) is FRAME
