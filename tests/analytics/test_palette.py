"""Runs' colours: seen on both grounds, told apart by all eyes, and none of a verdict's."""

from __future__ import annotations

import tomllib
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest

from analytics.figures.drawing.palette import (
    DARK,
    LIGHT,
    PROXY_INK,
    RUN_COLOURS,
    SEQUENCE,
    STATUS,
    sequence,
)

ROOT = Path(__file__).resolve().parents[2]
VERDICTS = {ink for ink, _ in STATUS.values()} - {"#7F7F7F"}
EYES = {
    "all": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
}  # fmt: skip
"""What colour-blind eyes make of linear RGB (Machado, Oliveira and Fernandes 2009, severity 1)."""


def linear(colour: str) -> np.ndarray:
    """Linear RGB of #rrggbb."""
    c = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def oklab(colour: str, eyes: str = "all") -> np.ndarray:
    """Lightness and the two opponent colours (Ottosson 2020), as these eyes see it."""
    seen = np.clip(np.asarray(EYES[eyes]) @ linear(colour), 0, 1)
    cones = np.array([[0.4122214708, 0.5363325363, 0.0514459929],
                      [0.2119034982, 0.6806995451, 0.1073969566],
                      [0.0883024619, 0.2817188376, 0.6299787005]]) @ seen  # fmt: skip
    return np.array([[0.2104542553, 0.7936177850, -0.0040720468],
                     [1.9779984951, -2.4285922050, 0.4505937099],
                     [0.0259040371, 0.7827717662, -0.8086757660]]) @ np.cbrt(cones)  # fmt: skip


def apart(one: str, other: str, eyes: str = "all") -> float:
    return float(np.linalg.norm(oklab(one, eyes) - oklab(other, eyes)))


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) + 0.05 for c in (one, other))
    return high / low


def test_the_grounds_are_the_themes() -> None:
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"]
    assert tuple(theme[side]["backgroundColor"] for side in ("light", "dark")) == (LIGHT, DARK)


@pytest.mark.parametrize("colour", [*RUN_COLOURS, *SEQUENCE, *sequence(9), PROXY_INK])
def test_a_line_can_be_seen_on_both_grounds(colour: str) -> None:
    assert contrast(colour, LIGHT) >= 3
    assert contrast(colour, DARK) >= 3


@pytest.mark.parametrize("colour", RUN_COLOURS)
def test_a_run_never_wears_the_colour_of_a_verdict(colour: str) -> None:
    """Neither the colour nor the hue: a verdict's is warm, between red and yellow, or green."""
    assert min(apart(colour, ink) for ink in VERDICTS) > 0.1
    for ink in VERDICTS:
        mine, theirs = (np.degrees(np.arctan2(*oklab(c)[:0:-1])) for c in (colour, ink))
        strong = np.linalg.norm(oklab(colour)[1:]) > 0.07
        assert not strong or abs((mine - theirs + 180) % 360 - 180) > 20, (colour, ink)


@pytest.mark.parametrize(("eyes", "least"), [("all", 0.14), ("protan", 0.1), ("deutan", 0.1)])
def test_runs_are_told_apart(eyes: str, least: float) -> None:
    for one, other in combinations(RUN_COLOURS, 2):
        assert apart(one, other, eyes) > least, (one, other)


def test_a_sequence_goes_one_way() -> None:
    """Each step leads further away from the first iteration's colour."""
    inks = sequence(9)
    assert len(set(inks)) == 9 and sequence(0) == []
    from_first = [apart(inks[0], ink) for ink in inks]
    assert from_first == sorted(from_first)


def test_these_eyes_see_what_is_too_near() -> None:
    okabe_and_ito = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
    assert any(apart(a, b) < 0.01 for a, b in product(okabe_and_ito, VERDICTS))
    assert apart("#009E73", "#CC79A7", "deutan") < 0.2 < apart("#009E73", "#CC79A7")
