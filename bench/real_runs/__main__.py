"""``python -m bench.real_runs``: train what is not trained yet. Needs torch; see README.md.

Each training is one file in bench/results/real_runs, written when it has ended, so that a run that
was broken off goes on where it was. One thread a process; ``--part 1/2`` and ``--part 2/2`` share
the work between two.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

import torch

from bench.real_runs.plans import plans
from bench.real_runs.training import train

KEPT = Path(__file__).parents[1] / "results" / "real_runs"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.real_runs", description=__doc__)
    parser.add_argument("--part", default="1/1", metavar="I/N", help="which of N equal parts")
    parser.add_argument("--backwards", action="store_true", help="the last training first")
    parser.add_argument("--nice", type=int, default=10, help="how low the priority is")
    options = parser.parse_args()
    part, parts = (int(word) for word in options.part.split("/"))
    os.nice(options.nice)
    torch.set_num_threads(1)
    KEPT.mkdir(parents=True, exist_ok=True)
    for plan in sorted(plans(), key=lambda plan: plan.seed, reverse=options.backwards):
        file = KEPT / f"{plan.run}.json.gz"
        if plan.world % parts != part % parts or file.exists():
            continue
        began = time.process_time()
        training = {"plan": asdict(plan), **train(plan), "torch": torch.__version__}
        training["seconds"] = round(time.process_time() - began, 1)
        unfinished = file.with_suffix(".part")
        unfinished.write_bytes(gzip.compress(json.dumps(training).encode()))
        unfinished.rename(file)
        truth = training["truth"]
        print(
            plan.run, f"{training['seconds']} s of CPU", f"KL {truth[-1]['kl']:.2f}",
            f"gold {truth[0]['gold']:.3f} {max(row['gold'] for row in truth):.3f}"
            f" {truth[-1]['gold']:.3f}",
            flush=True,
        )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
