"""Gold that chooses becomes a proxy: how often it was used, and who judges by whose kin.

Whoever takes the best of several looks at one gold set, and reports that look, reports its luck
with it: of n looks that differ by chance alone the best stands above the truth by the expected
largest of n standard normal numbers, in standard errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
from scipy.special import log_ndtr

from analytics.wording import count, fixed

_KINDS = {"decision": "decision", "note": "note with a decision", "review": "closed review"}
JUDGES = (
    "gold_model", "judge_model", "gold_reward_model", "gold_judge", "judge", "grader_model",
    "gold_rm",
)  # fmt: skip
REWARDS = (
    "reward_model", "reward_model_name", "reward_model_path", "reward_model_name_or_path",
    "reward_model_id", "rm_model", "proxy_model", "proxy_reward_model", "reward_funcs",
)  # fmt: skip
"""Settings, by the last part of their name, that name the judge of gold and the reward model."""
DEEPEST = 8
"""Settings within settings that are looked at."""
FAMILIES = frozenset({
    "armorm", "baichuan", "bert", "bloom", "chatglm", "claude", "command", "deberta", "deepseek",
    "electra", "falcon", "gemini", "gemma", "glm", "gpt", "grok", "internlm", "kimi", "llama",
    "mistral", "mixtral", "nemotron", "o", "olmo", "opt", "palm", "phi", "pythia", "qwen", "qwq",
    "roberta", "skywork", "smollm", "starling", "t", "vicuna", "yi", "zephyr",
})  # fmt: skip
"""First parts of names that stand for a family of models; of any other nothing can be told."""


@cache
def expected_best(looks: int) -> float:
    """Expected largest of some independent standard normal numbers.

    >>> round(expected_best(2), 4), round(expected_best(26), 2)
    (0.5642, 1.98)
    """
    x = np.linspace(-9.0, 9.0, 7201)
    density = np.log(looks) - x * x / 2 - np.log(2 * np.pi) / 2 + (looks - 1) * log_ndtr(x)
    return float(np.trapezoid(x * np.exp(density), x))


def used(rows: Iterable[Mapping[str, Any]]) -> int:
    """How often a gold set was used to choose: kind, times of the store's question gold_uses."""
    return sum(int(row["times"]) for row in rows)


def sentence(rows: Iterable[Mapping[str, Any]]) -> str:
    """How often, by what, and what that does to a gain that it reports; "" where less than twice.

    rows: kind (decision, note, review), times, runs (that share this gold).
    """
    known = list(rows)
    times = used(known)
    if times < 2:
        return ""
    parts = [count(int(row["times"]), _KINDS[row["kind"]]) for row in known if row["times"]]
    runs = max(int(row["runs"]) for row in known)
    shared = f" on {count(runs, 'run')} that share it" if runs > 1 else ""
    return (
        f"This gold was used {times} times to choose{shared} ({', '.join(parts)}). Where the best "
        f"of {times} looks is reported, expect its gain to be too high by up to "
        f"{fixed(expected_best(times), 1)} standard errors: report it on gold that chose nothing."
    )


def family(name: str | None) -> str | None:
    """The family of a model by the first part of its name; None where it cannot be told.

    >>> family("Qwen/Qwen2.5-7B-Instruct"), family("meta-llama/Llama-3.1-8B"), family("/ckpt/rm-3")
    ('qwen', 'llama', None)
    """
    text = (name or "").strip().lower()
    if text.startswith(("/", ".", "~")):  # a path: its folders name no model
        text = text.rstrip("/").rsplit("/", 1)[-1]
    for part in reversed(text.split("/")):
        first = re.match(r"(?:meta[-_])?(?:([ot])(?=\d)|([a-z]{2,}))", part)
        word = (first[1] or first[2]) if first else ""
        if word in FAMILIES:
            return word
    return None


def one_family(
    config: Mapping[str, Any], judge: str | None = None, reward: str | None = None
) -> str | None:
    """What is said where judge and reward model are of one family by a run's settings.

    "" where they are of two, None where that cannot be told: a setting is missing, or its name says
    nothing.

    judge, reward: as other logs name them, where no setting does.
    """
    judge, reward = _named(config, JUDGES) or judge, _named(config, REWARDS) or reward
    kin, other = family(judge), family(reward)
    if kin is None or other is None:
        return None
    if kin != other:
        return ""
    return (
        f"The judge of gold ({judge}) and the reward model ({reward}) are of one family ({kin}): "
        "they may share what they overlook, so that gold follows the proxy where people would not. "
        "Have people, or a judge of another family, grade some of it."
    )


def _named(config: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    """The first setting that names a model, by the last part of its name, however deep it lies."""
    by_end = dict(_leaves(config))
    ends = (by_end.get(key) for key in keys)
    return next((value[:120] for value in ends if isinstance(value, str) and value.strip()), None)


def _leaves(config: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping) and depth < DEEPEST:
            yield from _leaves(value, depth + 1)
        elif isinstance(value, list | tuple):
            yield _end(key), value[0] if len(value) == 1 else None
        else:
            yield _end(key), value


def _end(key: object) -> str:
    return re.split(r"[./]", str(key))[-1].lower()
