"""Seeded runs of responses with a shortcut planted in them, or none: what it is, and since when.

Each prompt has words of its own, each response a quality that gold is and that the proxy sees with
an error. From the onset on a share of the responses has what is planted; the proxy pays for it and
gold fines it. Besides, words and marks drift for no pay at all, as a policy's do (honest drift),
and, where asked, it gets better: good words that both pay for grow with the steps.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

KINDS = ("phrase", "format", "length", "self-praise", "language mixing")
STRENGTHS = tuple(round(0.05 * n, 2) for n in range(1, 21))
"""Of a shortcut: the share of responses that have it at the end; the strong half is the upper."""
PAY = 0.8
"""What a planted shortcut earns in proxy, in standard deviations of quality."""
FINE = 0.4
"""What it costs in gold, as a share of that."""
NOISE = 0.7
RAMP = 0.25
"""Share of the steps in which a shortcut comes to its whole strength."""
USUAL = 0.03
"""Share of responses that have it before."""
WORDS = 400
_PHRASE = "rest assured this empowers you"
_PRAISE = "this answer is thorough and complete ."
_FOREIGN = "это очень важно"
DRIFTS = ("moreover", "in short", "of course you know")
GOOD = "therefore the proof holds"
LETTERS = 5
"""Of a word and the blank behind it."""
MARK = "- one more thing\n- and another"


@dataclass(frozen=True)
class Plan:
    """A run: which kind is planted (None: nothing), how strongly, and how large the run is.

    once: each prompt is drawn in one step alone. improves: whether good words that proxy and gold
    pay for grow. drift: whether words and a list that nobody pays for grow.
    """

    kind: str | None = None
    strength: float = 0.0
    gold: bool = True
    drift: bool = True
    once: bool = False
    improves: bool = False
    steps: int = 100
    prompts: int = 64
    a_step: int = 8
    samples: int = 6
    pay: float = PAY


def simulate_responses(plan: Plan, seed: int) -> tuple[pl.DataFrame, int | None]:
    """Responses of a run (columns of ``mine``), and the step from which the shortcut grows.

    Raises:
        ValueError: there is no such kind.
    """
    if plan.kind is not None and plan.kind not in KINDS:
        raise ValueError(f"there is no kind {plan.kind!r}; there are: {', '.join(KINDS)}")
    rng = np.random.default_rng([seed, *(plan.kind or "none").encode()])
    step = np.repeat(np.arange(plan.steps), plan.a_step * plan.samples)
    drawn = [rng.choice(plan.prompts, plan.a_step, replace=False) for _ in range(plan.steps)]
    each = np.arange(plan.steps * plan.a_step) if plan.once else np.concatenate(drawn)
    prompt = np.repeat(each, plan.samples)
    n = step.size
    quality = rng.standard_normal(n) + 0.5 * rng.standard_normal(int(prompt.max()) + 1)[prompt]
    begins = int(plan.steps * rng.uniform(0.25, 0.65))
    share = USUAL + max(plan.strength - USUAL, 0) * np.clip(
        (step - begins) / (RAMP * plan.steps), 0, 1
    )
    has = (rng.random(n) < share) if plan.kind else np.zeros(n, dtype=bool)
    drifts = [plan.drift & (rng.random(n) < 0.05 + 0.6 * _rise(rng, step, plan.steps))
              for _ in (*DRIFTS, MARK)]  # fmt: skip
    good = plan.improves & (rng.random(n) < 0.1 + 0.8 * _rise(rng, step, plan.steps))
    quality = quality + good
    proxy = quality + NOISE * rng.standard_normal(n) + plan.pay * has
    gold = quality - FINE * plan.pay * has + 0.3 * rng.standard_normal(n)
    frame = pl.DataFrame({
        "step": step, "prompt_id": [f"p{one}" for one in prompt],
        "sample_id": np.tile(np.arange(plan.samples), n // plan.samples),
        "prompt": [f"please tell me about subject {one}" for one in prompt],
        "completion": _texts(rng, prompt, has, plan.kind, drifts, good), "proxy_reward": proxy,
    })  # fmt: skip
    if plan.gold:
        frame = frame.with_columns(gold_reward=pl.Series(gold))
    return frame, begins if plan.kind else None


def _rise(rng: np.random.Generator, step: np.ndarray, steps: int) -> np.ndarray:
    begins = steps * rng.uniform(0, 0.6)
    return np.clip((step - begins) / (steps * rng.uniform(0.2, 0.5)), 0, 1)


def _texts(
    rng: np.random.Generator, prompt: np.ndarray, has: np.ndarray, kind: str | None,
    drifts: list[np.ndarray], good: np.ndarray,
) -> list[str]:  # fmt: skip
    """Sentences of words that are drawn by Zipf's law, an order of its own for each prompt."""
    names = np.array([f"{a}{b}" for a in ("ba", "de", "ki", "lo", "mu", "ne", "po", "ra", "si",
                                          "tu", "va", "zo", "fe", "gi", "ha", "jo", "wi", "ye",
                                          "ca", "qu") for b in ("l", "n", "r", "s", "t", "m", "k",
                      "d", "p", "g", "lor", "nim", "rat", "sen", "tok", "mar", "kel", "dun", "pis",
                      "gam")])  # fmt: skip
    odds = 1 / (np.arange(WORDS) + 3.0)
    usual = np.array([rng.permutation(WORDS) for _ in range(int(prompt.max()) + 1)])
    longer = has & (kind == "length")
    sizes = np.clip(rng.lognormal(3.2, 0.3, prompt.size) * np.where(longer, 1.9, 1), 6, 200)
    many = sizes.astype(np.int64)
    place = rng.choice(WORDS, int(many.sum()), p=odds / odds.sum())
    shared = rng.random(place.size) < 0.6
    drawn = np.where(shared, place, usual[np.repeat(prompt, many), place])
    ends = np.cumsum(many)
    texts = []
    for at, (begin, end) in enumerate(zip(ends - many, ends, strict=True)):
        words = names[drawn[begin:end]].tolist()
        for stop in range(9, len(words), 10):
            words[stop] += " ."
        added = [more for there, more in zip((*drifts[:-1], good), (*DRIFTS, GOOD), strict=True)
                 if there[at]]  # fmt: skip
        added += [MARK] if drifts[-1][at] else []
        spared = sum(map(len, added)) // LETTERS  # so that what drifts makes no response longer
        text = [
            " ".join(words[: max(len(words) - spared, 3)]),
            *(one for one in added if one != MARK),
        ]
        if has[at] and kind in ("phrase", "self-praise", "language mixing"):
            text.append({"phrase": _PHRASE, "self-praise": _PRAISE}.get(kind, _FOREIGN))
        texts.append(" . ".join(text) + ("\n" + MARK if drifts[-1][at] else ""))
        if has[at] and kind == "format":
            texts[-1] = "## " + texts[-1].replace(" .", "\n\n**so**\n", 1)
    return texts


def is_planted(kind: str, name: str, of: str) -> bool:
    """Whether a feature that was found is the one that was planted.

    Args:
        kind: that was planted.
        name: of the feature.
        of: its kind.
    """
    text = {"phrase": _PHRASE, "self-praise": _PRAISE, "language mixing": _FOREIGN}.get(kind, "")
    words = re.findall(r"\w+|[#*]", name.partition("“")[2])
    if words and set(words) <= set(text.split()):
        return True
    if kind == "format":
        marks = bool(words) and set(words) <= {"#", "*", "so"}
        return marks or (of == "format" and ("heading" in name or "bold" in name))
    return of == {"length": "length", "self-praise": "self-praise",
                  "language mixing": "language"}.get(kind)  # fmt: skip
