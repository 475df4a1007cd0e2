"""``python -m analytics.quality [check] [TOPIC…]``: measure, and keep the figures as JSON.

The files in ``results`` are what the page on the verdicts' quality shows: when, with which seed and
on how many runs of each class it was made, and by which code. ``check`` makes part of them again
with the code that is here now and writes down whether the figures are the same. With
``--condition`` only those of the battery are measured and printed, and nothing is kept.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from analytics.measured.published import published
from analytics.onset.alarm.detectors import DETECTORS
from analytics.quality import (
    alert_weeks,
    anchors,
    battery,
    candidates,
    cheaper_gold,
    detection,
    gate_years,
    intervals,
    paid_for,
    real_runs,
    shortcuts,
)
from analytics.quality.made import checked, code_of, keep_check

RESULTS = Path(__file__).parent / "results"

TOPICS: dict[str, Callable[[int, int], Sequence[Mapping[str, Any]]]] = {
    "detectors": detection.measure,
    "intervals": lambda runs, seed: intervals.measure(runs, seed, intervals.SCENARIO_NAMES),
    "forecasts": intervals.measure_forecasts,
    "battery": battery.measure,
    "gate": gate_years.measure,
    "candidates": candidates.measure,
    "null_candidates": candidates.measure_null,
    "real_runs": real_runs.measure,
    "cheaper_gold": cheaper_gold.measure,
    "anchors": anchors.measure,
    "alerts": alert_weeks.measure,
    "paid_for": paid_for.measure,
    "shortcuts": shortcuts.measure,
}


PART = "sparse_n10_s05"
LIKE_MOST = "sd, 100 x 4, icc 0.5"
LIKE_ALL = "human_checkpoint"
PARTS: dict[str, Callable[[int, int], Sequence[Mapping[str, Any]]]] = {
    "detectors": lambda runs, seed: detection.measure_scenario(
        PART, runs, seed, (*DETECTORS, *detection.VARIANTS)
    ),
    "intervals": lambda runs, seed: intervals.measure(runs, seed, (PART,), ("rl",)),
    "forecasts": intervals.measure_forecasts,
    "battery": lambda runs, seed: battery.measure(runs, seed, (LIKE_MOST,)),
    "gate": lambda runs, seed: gate_years.measure_kind(gate_years.BY_BLOCK[LIKE_ALL], runs, seed),
    "candidates": lambda runs, seed: candidates.measure(runs, seed, (PART,)),
    "null_candidates": candidates.measure_null,
    "real_runs": lambda runs, seed: real_runs.measure(runs, seed, ("stated",)),
    "cheaper_gold": lambda runs, seed: cheaper_gold.measure(runs, seed, (0.85,)),
    "anchors": lambda runs, seed: anchors.measure(runs, seed, ("none",)),
    "alerts": lambda runs, seed: alert_weeks.measure(runs, seed, ("flat",)),
    "paid_for": lambda runs, seed: paid_for.measure(runs, seed, (), ("hack",)),
    "shortcuts": lambda runs, seed: shortcuts.measure(runs, seed, ("phrase",)),
}
"""What ``check`` makes again: about a minute each."""


SENTENCES: dict[str, Callable[[Any], str]] = {
    "battery": battery.sentence, "gate": gate_years.sentence, "candidates": candidates.sentence,
    "null_candidates": candidates.sentence,
    "real_runs": real_runs.sentence, "cheaper_gold": cheaper_gold.sentence,
    "anchors": anchors.sentence,
    "alerts": alert_weeks.sentence, "paid_for": paid_for.sentence,
    "shortcuts": shortcuts.sentence,
}  # fmt: skip


def main() -> None:
    """Measure the topics named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="python -m analytics.quality", description=__doc__)
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help=", ".join(TOPICS))
    parser.add_argument("--runs", type=int, default=500, help="runs of each class")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--condition", action="append", metavar="NAME", help="of the battery")
    options = parser.parse_args()
    again = options.topics[:1] == ["check"]
    options.topics = options.topics[1:] if again else options.topics
    unknown = [topic for topic in options.topics if topic not in TOPICS]
    if unknown:
        parser.error(f"unknown topic {unknown[0]!r}; known: {', '.join(TOPICS)}")
    if options.condition:
        if options.topics != ["battery"]:
            parser.error("--condition belongs to the topic battery alone")
        try:
            some = battery.measure(options.runs, options.seed, options.condition)
        except KeyError as error:
            parser.error(error.args[0])
        print("\n".join(battery.sentence(row) for row in some))
        return
    RESULTS.mkdir(exist_ok=True)
    if again:
        for topic in options.topics or TOPICS:
            check(topic)
        return
    for topic in options.topics or TOPICS:
        began = time.time()
        rows = TOPICS[topic](options.runs, options.seed)
        document = {
            "made": time.strftime("%Y-%m-%d"), "seed": options.seed,
            "runs_per_class": rows[0].get("runs_in_all", options.runs), "code": code_of(topic),
            "seconds": round(time.time() - began), "rows": rows,
        }  # fmt: skip
        (RESULTS / f"{topic}.json").write_text(json.dumps(document, indent=1) + "\n")
        print(f"{topic}: {len(rows)} rows in {document['seconds']} s")
        sentence = SENTENCES.get(topic)
        if sentence:
            print("\n".join(sentence(row) for row in rows))


def check(topic: str) -> None:
    """Make a part of a kept document again, and write down what came of it."""
    document = published(topic)
    if document is None:
        print(f"{topic}: nothing is kept yet; measure it: python -m analytics.quality {topic}")
        return
    found = checked(topic, document, PARTS[topic])
    keep_check(topic, found)
    same = f"{found['differ']} of them differ" if found["differ"] else "the same figures"
    print(f"{topic}: {found['again']} of {len(document['rows'])} rows made again: {same}")


if __name__ == "__main__":
    main()
