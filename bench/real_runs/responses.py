"""``python -m bench.real_runs.responses``: the same trainings again, with their responses kept.

Needs torch; see README.md. Of each training a table of its training responses, with what a team may
log beside them and the committed log leaves out: an ensemble (the proxy and three others, taught
alike by other pairs), a second reward (taught as `SECOND` says), log-probabilities, and the proxy's
latents of 1,024 responses before the first and after the last step; in a file of its own, gold of
each response and what it adds up, for nobody who asks without gold. Half a MB a training, in
bench/results; what comes of them is committed by ``python -m bench.real_runs.signals`` and
``python -m bench.real_runs.paid``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from bench.real_runs.models import Policy, RewardModel, counted
from bench.real_runs.plans import PROXIES, plans
from bench.real_runs.task import END, LENGTH, PROMPT, SHORTCUT, alive, parts, prompts, world
from bench.real_runs.training import GROUP, Plan, Proxy, proxy_of, train

KEPT = Path(__file__).parents[1] / "results" / "real_runs_responses"
MEMBERS = 4
SECOND = "medium"
"""How a second reward is taught: another maker's, of middling quality, whatever the proxy's."""
EMBEDDED = 1_024
PARTS = ("served", "again", "broken", "long")
"""Of `task.parts`."""


class Watch:
    """Keeps what one training writes and what its proxy says of it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.proxy = _model(plan, plan.proxy)
        self.language = world(plan.world)
        self.parts: list[dict[str, Any]] = []
        self.gold: list[dict[str, Any]] = []
        self.latents: list[dict[str, Any]] = []
        self.random = torch.Generator().manual_seed(90_000 + plan.seed)

    @torch.no_grad()
    def __call__(
        self, step: int, policy: Policy, prompt: torch.Tensor, responses: torch.Tensor,
        mine: torch.Tensor, theirs: torch.Tensor,
    ) -> None:  # fmt: skip
        if step in (0, self.plan.steps):
            self.embed(step, policy)
        gold_parts = zip(PARTS, parts(self.language, prompt, responses), strict=True)
        self.gold.append(
            {"step": np.full(len(prompt), step)}
            | {"shortcut": ((responses == SHORTCUT) & alive(responses)).any(1).numpy()}
            | {name: each.to(torch.int16).numpy() for name, each in gold_parts}
        )
        self.parts.append({
            "step": np.full(len(prompt), step),
            "sample_id": np.tile(np.arange(GROUP), len(prompt) // GROUP),
            "prompt": _texts(prompt), "completion": _texts(responses),
            "n_tokens": counted(responses).sum(1).numpy(),
            "logprob_policy": mine.double().numpy(), "logprob_reference": theirs.double().numpy(),
            "proxy_reward": self.proxy(prompt, responses).double().numpy(),
        })  # fmt: skip

    def embed(self, step: int, policy: Policy) -> None:
        """The proxy's latents, averaged over a response, of responses that nothing else uses."""
        asked = prompts(EMBEDDED, self.random)
        drawn = policy.sample(asked, self.random)
        hidden, _ = self.proxy.trunk(torch.cat([asked, drawn], 1))
        here = counted(drawn)[:, :, None]
        mean = (hidden[:, PROMPT:] * here).sum(1) / here.sum(1)
        self.latents += [
            {"iteration": step, "text_id": f"{at:04d}", "vector": vector}
            for at, vector in enumerate(mean.double().tolist())
        ]

    def frame(self) -> pl.DataFrame:
        """All responses, a row each; a prompt is named by its text."""
        responses = pl.concat([pl.DataFrame(part) for part in self.parts])
        return responses.with_columns(run_id=pl.lit(self.plan.run), prompt_id=pl.col("prompt"))


def _model(plan: Plan, taught: Proxy) -> RewardModel:
    return proxy_of(taught, plan.world, plan.width, plan.layers)[0]


def with_others(plan: Plan, frame: pl.DataFrame) -> pl.DataFrame:
    """A training's responses with what the rest of its ensemble and a second reward say of them."""
    models = {
        f"rm_{at}": _model(plan, replace(plan.proxy, seed=plan.proxy.seed + 1_000 * at))
        for at in range(1, MEMBERS)
    }
    models["judge"] = _model(plan, Proxy(9_000 + plan.world, *PROXIES[SECOND]))
    prompt, responses = _tokens(frame["prompt"], PROMPT), _tokens(frame["completion"], LENGTH)
    with torch.no_grad():  # not before: the models are taught above
        scored = {
            name: pl.Series(model(prompt, responses).double().numpy())
            for name, model in models.items()
        }
    return frame.with_columns(pl.col("proxy_reward").alias("rm_0"), **scored)


def _tokens(texts: pl.Series, length: int) -> torch.Tensor:
    """The tokens of `_texts`, END after their end."""
    rows = [[int(word[1:]) for word in text.split()] for text in texts]
    return torch.tensor([row + [END] * (length - len(row)) for row in rows])


def _texts(tokens: torch.Tensor) -> list[str]:
    """Words w01 to w23 of each row up to its end."""
    names = [f"w{at:02d}" for at in range(24)]
    rows = []
    for row in tokens.tolist():
        end = row.index(END) if END in row else LENGTH
        rows.append(" ".join(names[word] for word in row[:end]))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.real_runs.responses",
                                     description=__doc__)  # fmt: skip
    parser.add_argument("--nice", type=int, default=10, help="how low the priority is")
    parser.add_argument("--part", default="1/1", metavar="I/N", help="which of N equal parts")
    parser.add_argument("--only", type=Path, metavar="FILE", help="names of trainings, one a line")
    parser.add_argument("--alone", action="store_true", help="teach no reward beside the proxies")
    options = parser.parse_args()
    os.nice(options.nice)
    torch.set_num_threads(1)
    KEPT.mkdir(parents=True, exist_ok=True)
    part, of = (int(word) for word in options.part.split("/"))
    every = {plan.run: plan for plan in plans()}
    wanted = options.only.read_text().split() if options.only else sorted(every)
    in_order = [every[run] for run in wanted]
    proxies = list(dict.fromkeys(plan.proxy.seed for plan in in_order))
    mine = [one for one in in_order if proxies.index(one.proxy.seed) % of == part % of]
    for plan in mine:
        file = KEPT / f"{plan.run}.parquet"
        if not file.exists():
            began = time.process_time()
            kept(plan, file)
            print(plan.run, f"{time.process_time() - began:.1f} s of CPU", flush=True)
    for plan in [] if options.alone else mine:
        file = KEPT / f"{plan.run}.parquet"
        if "judge" not in pl.read_parquet_schema(file):
            began = time.process_time()
            _write(with_others(plan, pl.read_parquet(file)), file)
            print(plan.run, f"{time.process_time() - began:.1f} s of CPU for others", flush=True)
    return 0


def kept(plan: Plan, file: Path) -> None:
    """Train, and keep what the training wrote."""
    watch = Watch(plan)
    trained = train(plan, watch, evaluates=False)
    pl.concat([pl.DataFrame(one) for one in watch.gold]).write_parquet(
        file.with_suffix(".gold"), compression="zstd"
    )
    pl.DataFrame(watch.latents).write_parquet(file.with_suffix(".latents"))
    file.with_suffix(".json").write_text(json.dumps(
        {"rows": trained["rows"], "torch": torch.__version__}
    ))  # fmt: skip
    _write(watch.frame(), file)


def _write(frame: pl.DataFrame, file: Path) -> None:
    unfinished = file.with_suffix(".part")
    frame.write_parquet(unfinished, compression="zstd")
    unfinished.rename(file)


if __name__ == "__main__":
    sys.exit(main())
