"""Statistics that a notebook calls take frames and arrays of any library, or say what they lack."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from analytics import calibration, hallucination, kl, knowledge, rates
from analytics.computing.any_frame import FrameError
from analytics.hallucination import grader, pairs, training, trend

ANSWERS = pl.DataFrame(
    {
        "loop": "l",
        "iteration": [0, 0, 0, 1, 1, 1, 2, 2, 2],
        "question_id": ["a", "b", "c"] * 3,
        "grade": [{"c": "correct", "w": "incorrect"}[letter] for letter in "cwcwwcwcw"],
        "confidence": [0.9, 0.2, None, 0.4, 0.6, 0.8, 0.3, 0.9, 0.5],
    }
)
SAMPLES = pl.DataFrame(
    {
        "question_id": ["a", "a", "b", "b"],
        "temperature": [0.0, 0.5, 0.0, 0.5],
        "correct": [True, False, False, False],
        "cluster": [1, 2, 1, 1],
        "grade": ["correct", "incorrect", "incorrect", "incorrect"],
    }
)
AUDIT = pl.DataFrame(
    {"grade": ["incorrect", "correct", None], "human": ["incorrect", "incorrect", "correct"]}
)
TEXTS = pl.DataFrame(
    {"loop": "l", "iteration": [0, 0, 1], "kept": [True, False, True], "n_claims": [3, 2, 4],
     "n_true": [2, None, 4]}
)  # fmt: skip
WRONG = ANSWERS.select("question_id", "iteration", wrong=(pl.col("grade") == "incorrect"))

FRAMES = {
    "rates": (hallucination.rates, ANSWERS, "grade"),
    "flipped": (hallucination.flipped, ANSWERS, "question_id"),
    "unclear": (pairs.unclear, ANSWERS, "loop"),
    "training_texts": (training.training_texts, TEXTS, "n_true"),
    "slick": (knowledge.slick, SAMPLES, "temperature"),
    "consistency": (knowledge.consistency, SAMPLES, "cluster"),
    "grader_error": (grader.grader_error, AUDIT, "human"),
    "question_trend": (trend.question_trend, WRONG, "wrong"),
}
LIBRARIES = {
    "pandas": lambda frame: frame.to_pandas(),
    "pandas objects": lambda frame: frame.to_pandas().astype(object),
    "pyarrow": lambda frame: frame.to_arrow(),
    "lazy": lambda frame: frame.lazy(),
    "dict": lambda frame: frame.to_dict(as_series=False),
}


def plain(result: object) -> object:
    """Without the last bits of floats: threads add them up in an order of their own."""
    if isinstance(result, pl.DataFrame):
        return plain(result.to_dicts())
    if isinstance(result, dict):
        return {name: plain(value) for name, value in result.items()}
    if isinstance(result, list | tuple):
        return [plain(value) for value in result]
    return f"{result:.12g}" if isinstance(result, float) else repr(result)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_of_any_library(name: str, library: str) -> None:
    statistic, frame, _ = FRAMES[name]
    assert plain(statistic(LIBRARIES[library](frame))) == plain(statistic(frame))


@pytest.mark.parametrize("name", FRAMES)
def test_a_missing_column_is_named(name: str) -> None:
    statistic, frame, needed = FRAMES[name]
    for form in (frame.drop(needed), frame.drop(needed).to_pandas()):
        with pytest.raises(FrameError, match=rf"column '?{needed}.*There are: .*\."):
            statistic(form)
    with pytest.raises(FrameError, match="cannot be read as a frame"):
        statistic(5)


CONFIDENCE, RIGHT = [0.9, None, 0.4, 0.2], [1, 1, 0, 0]
PAIRED = (
    calibration.ece, calibration.adaptive_ece, calibration.brier, calibration.auroc,
    calibration.reliability, calibration.aurc,
)  # fmt: skip
ALONE = (
    calibration.ece_null, calibration.ece_null_simulated, kl.k1, kl.k2, kl.k3, kl.chi_square,
)  # fmt: skip
ARRAYS = {
    "numpy": lambda cells: np.array(cells, dtype=float),
    "polars": pl.Series,
    "pandas": pd.Series,
    "pandas nullable": lambda cells: pd.Series(cells).convert_dtypes(),
    "pyarrow": pa.array,
    "chunked": lambda cells: pa.chunked_array([cells]),
}


@pytest.mark.parametrize("library", ARRAYS)
def test_arrays_of_any_library(library: str) -> None:
    form = ARRAYS[library]
    for statistic in PAIRED:
        assert plain(statistic(form(CONFIDENCE), form(RIGHT))) == plain(
            statistic(CONFIDENCE, RIGHT)
        )
    for statistic in ALONE:
        assert plain(statistic(form(CONFIDENCE))) == plain(statistic(CONFIDENCE))
    assert knowledge.semantic_entropy(form([6, 3, 1])) == knowledge.semantic_entropy([6, 3, 1])
    assert trend.above_limit(form([4, 9]), form([10, 10]), 0.5).e.tolist() == (
        trend.above_limit([4, 9], [10, 10], 0.5).e.tolist()
    )
    assert rates.clustered_error(form(RIGHT), form([0, 0, 1, 1])) == (
        rates.clustered_error(RIGHT, [0, 0, 1, 1])
    )
    assert rates.question_means(form(RIGHT), form([0, 0, 1, 1]))[1].tolist() == [1, 0]


def test_what_is_no_number_is_said() -> None:
    for statistic in PAIRED:
        with pytest.raises(FrameError, match=r"confidence holds what is no number .*high"):
            statistic(["high"], [1])
        with pytest.raises(FrameError, match="correct must be 0 or 1, not 2"):
            statistic([0.5], [2])
        with pytest.raises(FrameError, match="2 confidences, but 1 grades"):
            statistic([0.5, 0.5], [1])
    for statistic in (kl.k1, kl.k2, kl.k3, kl.chi_square):
        with pytest.raises(FrameError, match="log_ratio holds what is no number"):
            statistic(["x"])
    for correlation in (0.0, -0.5, 1.5):
        with pytest.raises(ValueError, match="correlation must lie in"):
            kl.gold_gain_bound(1.0, 0.5, correlation)
