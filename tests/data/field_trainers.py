"""The logs that each trainer's own logger wrote (field/trainers), and what is right of each.

In all of them the last KL is 39.7 nats per response, gold peaks at 5.2, the last proxy is 5.16.
"""

from __future__ import annotations

from tests.data.field_values import (
    APPROXIMATE,
    CONVERTED,
    EXACT,
    MISSING,
    NO_KL,
    STATED,
    UNKNOWN,
    Input,
    Kl,
    Loop,
    Run,
    Verdict,
    trained,
)

PEAK = Verdict(holds_peak=5.2)
NOT_STATED = frozenset({None, "unknown", "other"})


def trainer(
    name: str, run: Run, *, options: tuple[str, ...] = (), folder: str | None = None,
    says: tuple[str, ...] = (), never: tuple[str, ...] = (), verdict: Verdict | None = PEAK,
) -> Input:  # fmt: skip
    """A trainer's folder, imported as it is."""
    return Input(
        name, "11 trainers", paths=(f"trainers/{folder or name}",), runs=(run,), options=options,
        says=says, never=never, verdict=verdict,
    )  # fmt: skip


ZERO, ONE = trained(0), trained(1)
SIX = ZERO.golds(10)

TRAINERS: tuple[Input, ...] = (
    # The token-weighted mean times the mean length is exact for one batch a row.
    trainer("ms-swift-grpo", ONE.run(
        "ms-swift-grpo", CONVERTED, proxy_keys=frozenset({"rewards/ProxyRM/mean", "reward"}),
    )),
    # kl_in_reward: kl is per response, and beta times it has been taken off `reward`.
    trainer("ms-swift-rloo_kl_in_reward", ONE.run(
        "ms-swift-rloo_kl_in_reward", EXACT, proxy_keys=frozenset({"rewards/ProxyRM/mean"}),
    )),
    trainer("ms-swift-rloo-wandb", ONE.run(
        "ms-swift-rloo-wandb", EXACT, proxy_keys=frozenset({"rewards/ProxyRM/mean"}),
    )),
    trainer("tinker", ZERO.run(
        "run1", CONVERTED, golds=(ZERO.golds(), SIX), evaluation=None,
        proxy_keys=frozenset({"env/all/reward/total"}),
    )),
    trainer(
        "prime-rl",
        ZERO.run("run1", kls=(NO_KL,), golds=(ZERO.golds(), SIX), evaluation=None),
        says=(r"no KL to the initial policy",),
    ),
    trainer("slime", ZERO.run(
        "run1", APPROXIMATE, golds=(SIX,), evaluation=None,
        proxy_keys=frozenset({"rollout/raw_reward"}),
    )),
    trainer("nemo-rl", ONE.run("exp_001", CONVERTED, golds=(SIX,), evaluation=None)),
    # seq-mean-token-sum (its hparams file says so): per response as logged.
    trainer("roll", ZERO.run(
        "run1", CONVERTED, evaluation=None, references=NOT_STATED,
        proxy_keys=frozenset({"critic/score/mean"}),
    ), says=(r"reference",), never=(r"no scalar",)),
    trainer("roll-agentic", ZERO.run(
        "run1", APPROXIMATE, golds=({},), references=NOT_STATED,
        proxy_keys=frozenset({"critic/score/mean"}),
    ), says=(r"reference", r"no gold"), never=(r"no scalar",), verdict=None),
    trainer("roll-wandb-seq-mean-token-mean", ZERO.run(
        "roll-wandb-seq-mean-token-mean", APPROXIMATE, evaluation=None, references=NOT_STATED,
        proxy_keys=frozenset({"critic/score/mean"}),
    ), says=(r"reference",)),
    trainer("easyr1", ZERO.run(
        "run1", CONVERTED, proxy_keys=frozenset({"critic/score/mean", "reward/overall"}),
    )),
    # kl2 is k3, which the run's own setting kl_estimator 2 chooses; the steps are training_step.
    trainer("open-instruct", ZERO.run(
        "open-instruct", CONVERTED, evaluation=None,
        proxy_keys=frozenset({"scores", "objective/verifiable_reward"}),
    )),
    trainer("old-verl", ZERO.run(
        "old-verl", APPROXIMATE, evaluation=None, proxy_keys=frozenset({"critic/score/mean"}),
    )),
    trainer("tunix", ZERO.run("run1", CONVERTED, evaluation=None)),
    trainer("areal-with-coefficient", ZERO.run(
        "run1", CONVERTED | STATED, evaluation=None,
        proxy_keys=frozenset({"ppo_actor/task_reward/avg", "rollout/reward"}),
    ), options=("--kl-coefficient", ".05"), folder="areal"),
    # It logs minus coefficient times KL per token, and not the coefficient.
    trainer("areal", ZERO.run(
        "run1", evaluation=None, kls=(
            Kl((), UNKNOWN | MISSING),
            Kl(tuple(-0.05 * x for x in ZERO.per_token()), UNKNOWN),
            Kl(tuple(0.05 * x for x in ZERO.per_token()), UNKNOWN),
        ),
    ), says=(r"kl-coefficient",), verdict=Verdict()),
    # No response length is logged: nats per token cannot become nats per response.
    trainer("art", ZERO.run(
        "m1", kls=(Kl((), UNKNOWN | MISSING), Kl(ZERO.per_token(), UNKNOWN)), evaluation=None,
    ), says=(r"length",), verdict=Verdict()),
    Input(
        "inspect", "8 one run in several files", paths=("trainers/inspect",),
        loops=(Loop(None, {0: (4, 4, 4), 1: (4, 4, 4)}),),
    ),
)  # fmt: skip
"""One input a trainer's folder."""
