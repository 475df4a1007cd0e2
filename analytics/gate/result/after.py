"""After a FAIL: what the literature supports, each with its source, and what other arms show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Step(NamedTuple):
    """Something that helped elsewhere, where it was shown, and the blocks that it is about."""

    what: str
    source: str
    link: str
    blocks: tuple[str, ...]


STEPS = (
    Step(
        "Restart the policy from the SFT model at every iteration, and concatenate the preference "
        "data of all iterations to train the reward model.",
        "Wolf et al. 2025, iterated RLHF (arXiv 2505.18126)",
        "https://arxiv.org/abs/2505.18126", ("reward_hacking", "human_checkpoint"),
    ),
    Step(
        "Stop at the KL of the gold peak: beyond it, more of the proxy costs gold.",
        "Gao, Schulman and Hilton 2022, section 3 (arXiv 2210.10760)",
        "https://arxiv.org/abs/2210.10760", ("reward_hacking",),
    ),
    Step(
        "Keep the human text in every mix (accumulate, never replace): the error stays bounded "
        "where replacing lets it grow with every generation.",
        "Gerstgrasser et al. 2024 (arXiv 2404.01413)",
        "https://arxiv.org/abs/2404.01413", ("provenance", "diversity", "truthfulness"),
    ),
    Step(
        "Keep a share of the original data: with 10 % of it the loss of a loop was minor; without "
        "it tails vanished first.",
        "Shumailov et al. 2024, Nature 631:755",
        "https://doi.org/10.1038/s41586-024-07566-y", ("provenance", "diversity"),
    ),
    Step(
        "Verify facts against a source before they are trained on, and train the model to say "
        "that it does not know what it did not know: fitting unknown facts lowers accuracy on "
        "known ones.",
        "Gekhman et al. 2024, table 2 and appendix K (arXiv 2405.05904)",
        "https://arxiv.org/abs/2405.05904", ("truthfulness", "provenance"),
    ),
    Step(
        "Do not count on a small share of model-written text being harmless: in a regression "
        "model any fixed share puts a floor under the error.",
        "Dohmatob et al. 2024 (arXiv 2410.04840)",
        "https://arxiv.org/abs/2410.04840", ("provenance", "diversity"),
    ),
)  # fmt: skip


def steps(failed: Sequence[str]) -> list[Step]:
    """What is about one of the failed blocks, in the table's order."""
    return [step for step in STEPS if set(step.blocks) & set(failed)]


def other_arms(arms: Mapping[str, Mapping[str, Any]], loop: str) -> list[str]:
    """What the loop's other arms show at the same iteration.

    Args:
        arms: loop -> the gate's document (`Gate.to_dict`) of that arm.
    """
    found = []
    mine = {block["name"]: block for block in arms[loop]["blocks"]} if loop in arms else {}
    for other, document in arms.items():
        if other == loop:
            continue
        for block in document["blocks"]:
            own = mine.get(block["name"])
            if own and own["result"] == "FAIL" and block["value"] is not None:
                found.append(
                    f"{other}, {block['name'].replace('_', ' ')} {block['result']}: "
                    f"{block['reason']}"
                )
    return found
