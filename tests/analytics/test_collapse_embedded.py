"""The Vendi score of given embeddings: oracles, what is compared, and what is not."""

from __future__ import annotations

import base64

import numpy as np
import polars as pl
import pytest

from analytics.collapse import embedded, report
from analytics.collapse.words import changes, lines


def packed(vector: np.ndarray) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def rows(vectors: dict[int, np.ndarray], model: dict[int, str] | None = None) -> pl.DataFrame:
    """Embeddings of a loop as the store holds them, a prompt a text."""
    return pl.DataFrame(
        [
            {
                "loop": "l", "iteration": at, "text_id": f"t{place:03}", "prompt": f"p{place}",
                "model": (model or {}).get(at, "small"),
                "vector": packed(v / np.linalg.norm(v)),
            }
            for at, found in vectors.items() for place, v in enumerate(found)
        ],
        schema_overrides={"model": pl.String},
    )  # fmt: skip


@pytest.mark.parametrize(("vectors", "score"), [
    (np.ones((40, 3)), 1.0), (np.eye(40), 40.0), (np.repeat(np.eye(20), 2, axis=0), 20.0),
])  # fmt: skip
def test_the_score_counts_unlike_texts(vectors: np.ndarray, score: float) -> None:
    found, of = embedded.measured(rows({0: vectors}))
    for q in (1, 2):
        assert found[0, f"vendi_embedded_{q}"].value == pytest.approx(score, rel=1e-5)
    assert of == f"embeddings of small, {vectors.shape[1]} numbers each"


def test_a_planted_loss_is_shown_and_the_kernel_is_said() -> None:
    rng = np.random.default_rng(1)
    wide = {at: rng.normal(size=(120, 24)) for at in range(4)}
    for at in (2, 3):  # most directions are gone
        wide[at][:, 4:] *= 0.1
    texts = pl.DataFrame({"prompt": [f"p{i}" for i in range(120)], "text": ["a word"] * 120})
    table = report.rows("l", list(range(4)), lambda _: texts, embeddings=rows(wide))
    found = changes(table, "vendi_embedded_1")
    assert [found[at] for at in range(4)] == ["unchanged", "unchanged", "worse", "worse"]
    assert any("likeness by embeddings of small, 24 numbers each" in one for one in lines(table))
    mixed = rows(wide).sample(fraction=1.0, shuffle=True, seed=3)
    again = report.rows("l", list(range(4)), lambda _: texts, embeddings=mixed)
    assert [row["value"] for row in again] == pytest.approx([row["value"] for row in table])


def test_another_model_and_another_length_are_left_out_and_told() -> None:
    rng = np.random.default_rng(2)
    made = {0: rng.normal(size=(30, 8)), 1: rng.normal(size=(30, 8)), 2: rng.normal(size=(30, 5))}
    found, of = embedded.measured(rows(made, {1: "large"}))
    assert {at for at, _ in found} == {0} and "iteration 1, 2 are of another model or length" in of


def test_iterations_are_compared_on_as_many_texts() -> None:
    """Twice the texts are not twice the diversity; fewer than ten are not measured."""
    made = {0: np.eye(60)[:30], 1: np.eye(60), 2: np.eye(60)[:5]}
    found, _ = embedded.measured(rows(made))
    assert found[1, "vendi_embedded_1"].value == pytest.approx(30.0, rel=1e-5)
    assert (2, "vendi_embedded_1") not in found
    assert embedded.measured(rows(made).clear()) == ({}, "")
