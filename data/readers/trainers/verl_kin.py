"""How ROLL and EasyR1 name things: nearly as verl does, and with another meaning."""

from __future__ import annotations

from collections.abc import Collection

from data.readers.kl.kl_table import (
    DRIFT,
    PER_RESPONSE,
    PER_TOKEN,
    TIMES_LENGTH,
    LoggedKL,
    NotPolicyKL,
)
from data.readers.trainers.dialect import Dialect

_AGGREGATION = "loss_agg_mode"
_AVERAGE = "loss_avg_mode"
_ROLL = "ROLL actor_worker.py:55-63, rlvr_pipeline.py:669-670"
_EASY = "EasyR1 ray_trainer.py:118-130"


def _roll(keys: Collection[str]) -> bool:
    lengths = ("token/response_length/mean", "tokens/response_length/mean")
    return any(mark in keys for mark in (*lengths, "val_correct/all/mean"))


def _easyr1(keys: Collection[str]) -> bool:
    return "reward/overall" in keys and ("actor/pg_loss" in keys or "critic/score/mean" in keys)


def _roll_kls() -> tuple[LoggedKL, ...]:
    """Each KL with its reference stated, and without: it is then to the old policy, or to the
    initial one.
    """
    ways = (
        ("actor/kl_loss", PER_RESPONSE, "exact",
         "k3 per response (loss_agg_mode seq-mean-token-sum), as logged", "seq-mean-token-sum"),
        ("actor/kl_loss", PER_TOKEN, "approximate",
         f"mean over responses of k3 per token, {TIMES_LENGTH}", "seq-mean-token-mean"),
        ("actor/kl_loss", PER_TOKEN, "approximate",
         "k3 per token, weighted by tokens, times the mean response length", "token-mean"),
        ("critic/kl", PER_TOKEN, "approximate",
         f"mean over responses of KL per token, {TIMES_LENGTH}", None),
        ("actor/kl_loss", None, "unknown",
         "the unit of actor/kl_loss follows loss_agg_mode, which the log does not state: state it "
         "with --kl-unit", None),
    )  # fmt: skip
    rows = []
    for key, unit, conversion, note, mode in ways:
        when = ((_AGGREGATION, (mode,)),) if mode else ()
        estimator = "k3" if key == "actor/kl_loss" else None
        stated = ("enable_reference", (True,))
        rows.append(
            LoggedKL(
                key,
                estimator=estimator,
                unit=unit,
                reference="initial_policy",
                conversion=conversion,
                note=note,
                evidence=_ROLL,
                when=(*when, stated),
            )
        )
        why = (
            f"{note}; the log states no reference model, and without one ROLL logs the KL to the "
            "old policy (state it with --kl-reference)"
        )
        rows.append(
            LoggedKL(
                key,
                estimator=estimator,
                unit=unit,
                reference="unknown",
                conversion=conversion,
                note=why,
                evidence=_ROLL,
                when=when,
            )
        )
    return tuple(rows)


ROLL = Dialect(
    "roll", "ROLL", _roll,
    kls=_roll_kls(),
    refused=(
        NotPolicyKL("actor/approxkl", DRIFT, _ROLL),
        NotPolicyKL("actor/policykl", DRIFT, _ROLL),
        NotPolicyKL("critic/kl_coef", "a coefficient", _ROLL),
    ),
    no_kl_with=(
        "enable_reference", False,
        "KL is missing: without a reference model (enable_reference is false) ROLL logs the drift "
        "from the old policy",
    ),
    proxy=("critic/score/mean",),
    includes_kl=("critic/rewards/mean",),
    gold=("val_correct/*gold*", "val_correct/all/mean", "val/score/mean"),
    columns={"response_length": ("token/response_length/mean", "tokens/response_length/mean")},
    settings=("loss_agg_mode", "use_kl_loss", "kl_loss_coef", "enable_reference"),
)  # fmt: skip
EASYR1 = Dialect(
    "easyr1",
    "EasyR1",
    _easyr1,
    kls=(
        LoggedKL(
            "actor/kl_loss",
            estimator="k3",
            unit=PER_TOKEN,
            reference="initial_policy",
            conversion="exact",
            note="KL per token, weighted by tokens (loss_avg_mode token), times the mean response "
            "length",
            evidence=_EASY,
            when=((_AVERAGE, ("token",)),),
            chosen_by=("algorithm.kl_penalty",),
        ),
        LoggedKL(
            "actor/kl_loss",
            estimator="k3",
            unit=PER_TOKEN,
            reference="initial_policy",
            conversion="approximate",
            note=f"mean over responses of KL per token (loss_avg_mode seq), {TIMES_LENGTH}",
            evidence=_EASY,
            when=((_AVERAGE, ("seq",)),),
            chosen_by=("algorithm.kl_penalty",),
        ),
        LoggedKL(
            "actor/kl_penalty",
            "k1",
            PER_TOKEN,
            "initial_policy",
            "approximate",
            f"mean over responses of KL per token, {TIMES_LENGTH}",
            _EASY,
            chosen_by=("algorithm.kl_penalty",),
        ),
        LoggedKL(
            "actor/kl_loss",
            "k3",
            PER_TOKEN,
            "initial_policy",
            "approximate",
            "KL per token, averaged over tokens or over responses (loss_avg_mode is not stated), "
            "times the mean response length, which is approximate",
            _EASY,
            chosen_by=("algorithm.kl_penalty",),
        ),
    ),
    proxy=("critic/score/mean", "reward/overall"),
    includes_kl=("critic/rewards/mean",),
    gold=("val/*gold*", "eval:*gold*", "reward/*gold*"),
    settings=(
        "algorithm.kl_penalty",
        "algorithm.use_kl_loss",
        "algorithm.kl_coef",
        "worker.actor.loss_avg_mode",
    ),
)
