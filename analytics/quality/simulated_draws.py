"""Simulated responses with a planted effect of length, and planted ranks: what is known of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from analytics.paid_for.draws import ENDS


@dataclass(frozen=True)
class Setting:
    """A run: ``per_step`` of ``prompts`` at each step, ``each`` responses to each.

    pays: proxy for one more of length; longer: how much mean length grows; drift: proxy gained
    besides, over the run; gold_drift: gold gained; noise: of the proxy beside gold, in sd of gold
    between responses, growing to noise_end (None = constant); narrows: spread of gold at the end
    over the start; effect: sd of what all responses to a prompt at a step share.
    """

    prompts: int = 40
    per_step: int = 8
    each: int = 8
    steps: int = 60
    pays: float = 0.02
    longer: float = 60.0
    drift: float = 1.0
    gold_drift: float = 0.0
    noise: float = 1.0
    noise_end: float | None = None
    narrows: float = 1.0
    effect: float = 0.3

    @property
    def share(self) -> float:
        """Of the proxy's gain, what length explains."""
        whole = self.pays * self.longer + self.drift
        return self.pays * self.longer / whole if whole else float("nan")

    @property
    def apart(self) -> float:
        """What the proxy gains at one length between the middles of the first and last tenth."""
        many = int(np.ceil(ENDS * self.steps))
        return self.drift * (self.steps - many) / (self.steps - 1)


def simulated(setting: Setting, rng: np.random.Generator) -> pl.DataFrame:
    """Rows as the query paid_responses gives them."""
    s = setting
    prompt = np.stack([rng.choice(s.prompts, s.per_step, replace=False) for _ in range(s.steps)])
    shape = (s.steps, s.per_step, s.each)
    at = np.linspace(0, 1, s.steps)[:, None, None]
    own_length, own = rng.normal(0, 20, s.prompts), rng.normal(0, 1, s.prompts)
    length = 100 + s.longer * at + own_length[prompt][..., None] + rng.normal(0, 25, shape)
    length = np.maximum(5, length).round()
    quality = rng.normal(0, 1, shape) * (1 + (s.narrows - 1) * at)
    shared = own[prompt][..., None] + rng.normal(0, s.effect, shape[:2])[..., None]
    noise = s.noise + ((s.noise if s.noise_end is None else s.noise_end) - s.noise) * at
    gold = shared + quality + s.gold_drift * at
    proxy = shared + quality + s.drift * at + s.pays * length + noise * rng.normal(0, 1, shape)
    return pl.DataFrame({
        "step": np.repeat(np.arange(s.steps), s.per_step * s.each),
        "prompt_id": np.repeat(prompt.ravel(), s.each).astype(str),
        "proxy": proxy.ravel(), "gold": gold.ravel(), "tokens": length.ravel(),
        "characters": length.ravel().astype(int),
    })  # fmt: skip
