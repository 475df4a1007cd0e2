"""One training: base policy, learnt proxy, then GRPO, REINFORCE or best-of-n against the proxy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch.nn import functional as F

from bench.real_runs.models import Policy, RewardModel, counted, divergence
from bench.real_runs.task import (
    LENGTH,
    SHORTCUT,
    VOCABULARY,
    World,
    alive,
    demonstrations,
    gold,
    prompts,
    world,
)  # fmt: skip

GROUP = 8
PROMPTS_A_STEP = 16
TRUTH_RESPONSES, KL_RESPONSES = 4_096, 512
LABEL_PROMPTS, LABEL_RESPONSES = 64, 8


@dataclass(frozen=True)
class Proxy:
    """How a proxy is taught. pairs: comparisons that it learns from; flips: share of them labelled
    wrong; shortcut: chance that a pair in which one side alone holds the token SHORTCUT prefers
    that side; covers: share of responses drawn from a careful author, half of them full of
    repeats, instead of the base policy."""

    seed: int
    pairs: int
    flips: float
    shortcut: float
    covers: float


@dataclass(frozen=True)
class Plan:
    """What one training does. kl: penalty a nat of a response's KL; kl_late: the penalty from half
    of the steps on, None = the same; same_prompts: gold asked on the same prompts each time."""

    run: str
    seed: int
    world: int
    width: int
    layers: int
    proxy: Proxy
    method: str
    kl: float
    kl_late: float | None
    rate: float
    steps: int
    evaluations: int
    same_prompts: bool


@lru_cache(maxsize=8)
def base_policy(seed: int, width: int, layers: int) -> Policy:
    """The base policy of a world: supervised on demonstrations."""
    torch.manual_seed(10_000 + seed)
    random = torch.Generator().manual_seed(20_000 + seed)
    language, policy = world(seed), Policy(width, layers)
    optimiser = torch.optim.AdamW(policy.parameters(), lr=4e-3)
    for step in range(200):
        for group in optimiser.param_groups:
            group["lr"] = 4e-3 * (1 - step / 200) + 1e-4
        prompt = prompts(192, random)
        responses = demonstrations(language, prompt, random, 0.1)
        loss = -(chosen(policy.logits(prompt, responses), responses)).sum(1).mean() / 10
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return policy.requires_grad_(False)


def chosen(logits: torch.Tensor, responses: torch.Tensor) -> torch.Tensor:
    """(n, LENGTH) log-probability of each chosen token, 0 after the end."""
    return logits.gather(2, responses[:, :, None])[:, :, 0] * counted(responses)


@lru_cache(maxsize=32)
def proxy_of(
    taught: Proxy, policy_world: int, width: int, layers: int
) -> tuple[RewardModel, float]:
    """The proxy, learnt from labelled pairs, and its share of right answers on fresh true pairs."""
    language, base = world(policy_world), base_policy(policy_world, width, layers)
    random = torch.Generator().manual_seed(30_000 + taught.seed)
    torch.manual_seed(40_000 + taught.seed)
    prompt, one, two, first = compared(taught, language, base, random)
    model = RewardModel(32, 1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.02)
    for _ in range(max(60, min(600, taught.pairs // 8))):
        at = torch.randint(len(prompt), (min(96, taught.pairs),), generator=random)
        ahead = model(prompt[at], one[at]) - model(prompt[at], two[at])
        loss = F.binary_cross_entropy_with_logits(ahead, first[at].float())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.requires_grad_(False)
    asked = prompts(2_048, random)
    one, two = base.sample(asked, random), base.sample(asked, random)
    scores = model(asked, one)
    model.shift.fill_(float(scores.mean()))
    model.scale.fill_(float(scores.std()) + 1e-6)
    apart = gold(language, asked, one) - gold(language, asked, two)
    agrees = (model(asked, one) - model(asked, two)) * apart > 0
    return model, float(agrees[apart != 0].float().mean())


def compared(
    taught: Proxy, language: World, base: Policy, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Prompts, two responses to each, and whether the labeller preferred the first."""
    count = taught.pairs
    prompt = prompts(count, random)
    sides = []
    for _ in range(2):
        side = base.sample(prompt, random)
        other = torch.rand(count, generator=random) < taught.covers
        side[other] = demonstrations(language, prompt, random, 0.5)[other]
        repeats = other & (torch.rand(count, generator=random) < 0.5)
        side[repeats] = side[repeats][:, torch.randint(0, 4, (side.shape[1],), generator=random)]
        sides.append(side)
    one, two = sides
    apart = gold(language, prompt, one) - gold(language, prompt, two)
    apart = apart + 1e-3 * torch.randn(count, generator=random)
    first = (apart > 0) ^ (torch.rand(count, generator=random) < taught.flips)
    has = [((side == SHORTCUT) & alive(side)).any(1) for side in sides]
    by_shortcut = (has[0] ^ has[1]) & (torch.rand(count, generator=random) < taught.shortcut)
    return prompt, one, two, torch.where(by_shortcut, has[0], first)


def advantages(method: str, reward: torch.Tensor) -> torch.Tensor:
    """(groups, GROUP) weight of each response's log-probability, by the method."""
    if method == "grpo":
        return (reward - reward.mean(1, keepdim=True)) / (reward.std(1, keepdim=True) + 1e-4)
    if method == "reinforce":
        return (reward - reward.mean(1, keepdim=True)) * GROUP / (GROUP - 1)
    best = F.one_hot(reward.argmax(1), GROUP).float()
    return best * GROUP


Watch = Callable[[int, Policy, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], None]
"""Told of each step, the policy, prompts, responses, their log-probabilities and the base's."""


def train(plan: Plan, watch: Watch | None = None, evaluates: bool = True) -> dict[str, Any]:
    """Everything of one training: `rows` (step by step), `truth` and `labels` (by evaluation).

    watch: told of each step's responses; it draws nothing from torch's own generator, so that the
    training is the same one. evaluates: without, gold is not asked, which takes two thirds of the
    time; what it would have drawn is drawn, so that this too is the same training.
    """
    language, base = world(plan.world), base_policy(plan.world, plan.width, plan.layers)
    proxy, accuracy = proxy_of(plan.proxy, plan.world, plan.width, plan.layers)
    torch.manual_seed(50_000 + plan.seed)
    random = torch.Generator().manual_seed(60_000 + plan.seed)
    policy = Policy(plan.width, plan.layers)
    policy.load_state_dict(base.state_dict())
    policy.requires_grad_(True)
    optimiser = torch.optim.Adam(policy.parameters(), lr=plan.rate)
    fixed = torch.Generator().manual_seed(70_000 + plan.world)
    truth_prompts, label_prompts = prompts(TRUTH_RESPONSES, fixed), prompts(LABEL_PROMPTS, fixed)
    looks = {round(i * plan.steps / (plan.evaluations - 1)) for i in range(plan.evaluations)}
    log: dict[str, Any] = {"accuracy": accuracy, "rows": [], "truth": [], "labels": []}
    for step in range(plan.steps + 1):
        if step in looks:
            asked = label_prompts if plan.same_prompts else prompts(LABEL_PROMPTS, random)
            if evaluates:
                log["truth"].append(
                    true_row(step, language, base, policy, proxy, truth_prompts, random)
                )
                log["labels"].append(labels(step, language, policy, asked, random))
            else:
                _passed_over(random)
        late = plan.kl_late is not None and step >= plan.steps // 2
        penalty = plan.kl_late if late and plan.kl_late is not None else plan.kl
        prompt = prompts(PROMPTS_A_STEP, random).repeat_interleave(GROUP, 0)
        responses = policy.sample(prompt, random)
        logits = policy.logits(prompt, responses)
        mine, theirs = chosen(logits, responses), chosen(base.logits(prompt, responses), responses)
        with torch.no_grad():
            scored = proxy(prompt, responses)
            apart = (mine - theirs).sum(1)
            weight = advantages(plan.method, (scored - penalty * apart).view(-1, GROUP)).view(-1)
            log["rows"].append({
                "step": step, "kl": float(apart.mean()), "proxy_reward": float(scored.mean()),
                "proxy_reward_sd": float(scored.std()),
                "response_length": float(counted(responses).sum(1).mean()),
                "entropy": float(-(logits.exp() * logits).sum(-1).mean()),
            })  # fmt: skip
            if watch is not None:
                watch(step, policy, prompt, responses, mine.sum(1), theirs.sum(1))
        loss = -(mine.sum(1) * weight).mean() / 10
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimiser.step()
    return log


def _passed_over(random: torch.Generator) -> None:
    """Draw what an evaluation's responses draw: an exponential for each word they choose from."""
    for many in (TRUTH_RESPONSES, LABEL_PROMPTS * LABEL_RESPONSES):
        for _ in range(LENGTH):
            torch.empty(many, VOCABULARY).exponential_(1, generator=random)


@torch.no_grad()
def true_row(
    step: int, language: World, base: Policy, policy: Policy, proxy: RewardModel,
    prompt: torch.Tensor, random: torch.Generator,
) -> dict[str, float]:  # fmt: skip
    """Gold, proxy and exact KL on TRUTH_RESPONSES responses, one to each of as many prompts."""
    responses = policy.sample(prompt, random)
    scores = gold(language, prompt, responses)
    few, asked = responses[:KL_RESPONSES], prompt[:KL_RESPONSES]
    kl = divergence(policy.logits(asked, few), base.logits(asked, few), few)
    return {
        "step": step, "kl": float(kl.mean()), "gold": float(scores.mean()),
        "gold_se": float(scores.std()) / len(prompt) ** 0.5,
        "proxy": float(proxy(asked, few).mean()),
    }  # fmt: skip


def labels(
    step: int, language: World, policy: Policy, asked: torch.Tensor, random: torch.Generator
) -> dict[str, Any]:
    """Gold in 56ths of each of LABEL_RESPONSES responses to each prompt: what a team pays for."""
    prompt = asked.repeat_interleave(LABEL_RESPONSES, 0)
    scores = gold(language, prompt, policy.sample(prompt, random)) * 56
    return {"step": step, "gold": scores.round().int().view(len(asked), -1).tolist()}
