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
    """Keeps what one training writes and what each reward model says of it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.models = {"proxy_reward": self._model(plan.proxy)}
        for at in range(1, MEMBERS):
            other = replace(plan.proxy, seed=plan.proxy.seed + 1_000 * at)
            self.models[f"rm_{at}"] = self._model(other)
        self.models["judge"] = self._model(Proxy(9_000 + plan.world, *PROXIES[SECOND]))
        self.language = world(plan.world)
        self.parts: list[dict[str, Any]] = []
        self.gold: list[dict[str, Any]] = []
        self.latents: list[dict[str, Any]] = []
        self.random = torch.Generator().manual_seed(90_000 + plan.seed)

    def _model(self, taught: Proxy) -> RewardModel:
        return proxy_of(taught, self.plan.world, self.plan.width, self.plan.layers)[0]

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
            **{name: model(prompt, responses).double().numpy()
               for name, model in self.models.items()},
        })  # fmt: skip

    def embed(self, step: int, policy: Policy) -> None:
        """The proxy's latents, averaged over a response, of responses that nothing else uses."""
        asked = prompts(EMBEDDED, self.random)
        drawn = policy.sample(asked, self.random)
        hidden, _ = self.models["proxy_reward"].trunk(torch.cat([asked, drawn], 1))
        here = counted(drawn)[:, :, None]
        mean = (hidden[:, PROMPT:] * here).sum(1) / here.sum(1)
        self.latents += [
            {"iteration": step, "text_id": f"{at:04d}", "vector": vector}
            for at, vector in enumerate(mean.double().tolist())
        ]

    def frame(self) -> pl.DataFrame:
        """All responses, a row each; a prompt is named by its text."""
        told = pl.concat([pl.DataFrame(part) for part in self.parts])
        told = told.with_columns(run_id=pl.lit(self.plan.run), prompt_id=pl.col("prompt"))
        return told.with_columns(pl.col("proxy_reward").alias("rm_0"))


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
    options = parser.parse_args()
    os.nice(options.nice)
    torch.set_num_threads(1)
    KEPT.mkdir(parents=True, exist_ok=True)
    part, of = (int(word) for word in options.part.split("/"))
    every = {plan.run: plan for plan in plans()}
    wanted = options.only.read_text().split() if options.only else sorted(every)
    in_order = [every[run] for run in wanted]
    proxies = list(dict.fromkeys(plan.proxy.seed for plan in in_order))
    for plan in in_order:
        file = KEPT / f"{plan.run}.parquet"
        mine = proxies.index(plan.proxy.seed) % of == part % of  # which are slow to teach
        if file.exists() or not mine:
            continue
        began = time.process_time()
        watch = Watch(plan)
        told = train(plan, watch)
        pl.concat([pl.DataFrame(one) for one in watch.gold]).write_parquet(
            KEPT / f"{plan.run}.gold", compression="zstd"
        )
        pl.DataFrame(watch.latents).write_parquet(KEPT / f"{plan.run}.latents")
        (KEPT / f"{plan.run}.json").write_text(json.dumps(
            {"rows": told["rows"], "truth": told["truth"], "torch": torch.__version__}
        ))  # fmt: skip
        unfinished = file.with_suffix(".part")
        watch.frame().write_parquet(unfinished, compression="zstd")
        unfinished.rename(file)
        print(plan.run, f"{time.process_time() - began:.1f} s of CPU", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
