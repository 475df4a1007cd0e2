"""How long the page of responses takes over millions of them: first page, page N, filters, list."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data.outgoing.responses import page
from data.store import Store

RUN, PROMPTS, STEPS = "many", 20_000, 5_000
ROWS = 25
STRETCHES, EACH = 8, 60
"""Candidates of the reading list, as the page asks for them."""
ASKED: dict[str, Any] = dict.fromkeys((
    "prompt", "environment", "proxy_from", "proxy_to", "gold_from", "gold_to", "apart", "words",
    "pattern", "after_step",
)) | {
    "after_prompt": "", "after_sample": 0, "after_phase": "", "proxy": 0.0, "gold": 0.0,
    "proxy_sd": 1.0, "gold_sd": 1.0,
}  # fmt: skip
MADE = """
insert into samples (run_id, phase, step, prompt_id, sample_id, prompt, completion, proxy_reward,
    gold_reward)
select $run, 'train', i // $each, printf('p%05d', (i // 8 * 7919) % $prompts), i % 8,
    'tell me about town ' || (i // 8 * 7919) % $prompts,
    'the river is ' || hash(i) % 997 || ' and the dish is ' || hash(i, 1) % 991
        || case when i % 9_999 = 0 then ' rare words' else '' end,
    (hash(i, 2) % 1000) / 500 + i / $many, (hash(i, 3) % 1000) / 500 - i / $many
from range($many) t(i)
"""


def measure(runs: int, steps: int, responses: int = 5_000_000) -> list[dict[str, object]]:
    """Seconds of each question of the page, the median of three."""
    del runs, steps  # one run, of as many steps as it takes
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        store = Store(Path(folder))
        took = timed(lambda: _fill(store, responses), 1)
        size = (Path(folder) / "store.duckdb").stat().st_size / 1e6
        rows: list[dict[str, object]] = [
            {"what": f"made: {responses:,} responses, {size:,.0f} MB", "seconds": round(took, 2)}
        ]
        for what, ask in _questions(store, responses).items():
            rows.append({"what": what, "seconds": round(timed(ask, 3), 3)})
        store.close()
    return rows


def _fill(store: Store, many: int) -> None:
    with store._db.cursor() as cursor:
        cursor.execute(MADE, {"run": RUN, "each": max(1, many // STEPS), "prompts": PROMPTS,
                              "many": many})  # fmt: skip
        cursor.execute("checkpoint")


def _questions(store: Store, many: int) -> dict[str, Callable[[], object]]:
    per_step = store.query("response_steps", run=RUN, until=None)
    steps = list(per_step.select("step", "n").iter_rows())
    last = steps[-1][0]

    def first(**more: Any) -> object:
        return page(store, RUN, steps, ASKED | more, ROWS)

    def later(at: int) -> object:
        after = {"after_step": at, "after_prompt": "p00100"}
        rest = [one for one in steps if one[0] >= at]
        return page(store, RUN, rest, ASKED | after, ROWS)

    begun = store.query("response_starts", run=RUN, phase="train", last=last // 20).row(
        0, named=True
    )
    filters = {
        key: value for key, value in ASKED.items()
        if not key.startswith("after_") and key not in ("proxy", "gold", "proxy_sd", "gold_sd")
    }  # fmt: skip

    def candidates() -> object:
        found = store.query(
            "response_candidates", run=RUN, phase="train", early=last // 5, first=last // 20 + 1,
            last=last, proxy=begun["proxy"], proxy_sd=begun["proxy_sd"], gold=begun["gold"],
            gold_sd=begun["gold_sd"], with_gold=True, bins=STRETCHES, each=EACH,
            **filters,
        )  # fmt: skip
        return store.query("response_texts", run=RUN, places=found["place"].to_list(), longest=4000)

    def sampled() -> object:
        some = [steps[i * len(steps) // 40][0] for i in range(40)]
        n = sum(n for step, n in steps if step in set(some))
        return store.query(
            "response_sample", run=RUN, phase="train", steps=some, first=0, last=last,
            one_of=max(1, n // 2000), longest=4000,
        )  # fmt: skip

    return {
        "steps of the run": lambda: store.query("response_steps", run=RUN, until=None),
        "first page": first,
        "page in the middle": lambda: later(last // 2),
        f"page {many // ROWS:,}, the last": lambda: later(last),
        "first page of one prompt": lambda: first(prompt="p00042"),
        "first page of a proxy range": lambda: first(proxy_from=2.9, gold_to=-0.9),
        "first page of rare words": lambda: first(words="Rare"),
        "words that are nowhere": lambda: first(words="nowhere"),
        "an expression that is nowhere": lambda: first(pattern="(a|b)+nowhere$"),
        "one response": lambda: store.query(
            "response_one", run=RUN, phase="train", step=last, prompt="p00042", sample=1, longest=9
        ),
        "draws of one prompt": lambda: store.query(
            "response_draws", run=RUN, prompt="p00042", until=None, rows=2000
        ),
        "candidates of the reading list": candidates,
        "responses whose words are counted": sampled,
    }


def timed(ask: Callable[[], object], times: int) -> float:
    """Median seconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return sorted(took)[len(took) // 2]
