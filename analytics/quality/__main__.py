"""``python -m analytics.quality [TOPIC…]``: measure, and keep the figures as JSON.

The files in ``results`` are what the page on the verdicts' quality shows; each says when, with
which seed and on how many runs of each class it was made. With ``--condition`` only those of the
battery are measured and printed, and nothing is kept.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analytics.quality import battery, detection, intervals
from analytics.verdicts import method

RESULTS = Path(__file__).parent / "results"

TOPICS: dict[str, Callable[[int, int], list[dict[str, Any]]]] = {
    "detectors": detection.measure,
    "intervals": lambda runs, seed: intervals.measure(runs, seed, intervals.SCENARIO_NAMES),
    "forecasts": intervals.measure_forecasts,
    "battery": battery.measure,
}


def main() -> None:
    """Measure the topics named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m analytics.quality", description=__doc__)
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help=", ".join(TOPICS))
    parser.add_argument("--runs", type=int, default=500, help="runs of each class")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--condition", action="append", metavar="NAME", help="of the battery")
    options = parser.parse_args()
    unknown = [topic for topic in options.topics if topic not in TOPICS]
    if unknown:
        parser.error(f"unknown topic {unknown[0]!r}; known: {', '.join(TOPICS)}")
    if options.condition:
        if options.topics != ["battery"]:
            parser.error("--condition belongs to the topic battery alone")
        try:
            rows = battery.measure(options.runs, options.seed, options.condition)
        except KeyError as error:
            parser.error(error.args[0])
        print("\n".join(battery.sentence(row) for row in rows))
        return
    RESULTS.mkdir(exist_ok=True)
    for topic in options.topics or TOPICS:
        began = time.time()
        rows = TOPICS[topic](options.runs, options.seed)
        told = {
            "made": time.strftime("%Y-%m-%d"), "seed": options.seed,
            "runs_per_class": options.runs, "code": method(),
            "seconds": round(time.time() - began), "rows": rows,
        }  # fmt: skip
        (RESULTS / f"{topic}.json").write_text(json.dumps(told, indent=1) + "\n")
        print(f"{topic}: {len(rows)} rows in {told['seconds']} s")
        if topic == "battery":
            print("\n".join(battery.sentence(row) for row in rows))


if __name__ == "__main__":
    main()
