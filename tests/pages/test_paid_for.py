"""What a run is paid for, on the pages: folded panels of Responses, the line on the run's card."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from analytics.quality.simulated_draws import Setting, simulated
from data.store import Store
from pages.shared.asking import paid_reads
from pages.shared.keeping import judging, ownership
from pages.shared.server import worker

Open = Callable[..., AppTest]
EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "examples"
PANELS = ("length", "judge", "rivals", "signals")


def text_of(page: AppTest) -> str:
    assert not page.exception, page.exception
    parts = [*page.markdown, *page.caption, *page.info, *page.warning]
    return " ".join(" ".join(str(part.value) for part in parts).split()).replace("\\", "")


def opened(page: AppTest, *panels: str) -> AppTest:
    for name in panels:
        page.session_state[f"paid_{name}"] = True
    return page.run()


def titles(page: AppTest) -> list[str]:
    return [one.label for one in page.expander if ":" in one.label]


def test_the_panels_of_a_run_that_was_hacked(open_script: Open) -> None:
    page = open_script("runs/responses.py", EXAMPLES / "r3_grpo_bigrm", run="r3_grpo_bigrm")
    assert "explains" not in text_of(page)
    assert [title.split(":")[0] for title in titles(page)] == ["Length", "Judge over training"]
    keep(ownership.owner().store)
    text = text_of(opened(page, *PANELS))
    assert [title.split(":")[0] for title in titles(page)][2:] == ["Rival explanations"]
    assert "Length alone explains 24 % of the gain in proxy (16 to 33, 95 %)." in text
    assert "gold falls above 27.2 to 31.0" in text and "which includes 0" in text
    assert "Proxy and gold part, as in a hack" in text and "Winner’s curse, last third" in text
    assert len(page.get("plotly_chart")) == 2
    assert "Between gold’s peak and its alarm" in text
    assert "Entropy collapses: not seen, 0.536 at the onset, 0.708 at the start and 0.622" in text
    assert "The inference engine and the trainer disagree on probabilities: not logged." in text


def keep(store: Store) -> None:
    """What the worker does: keep verdicts and compute the lines."""
    worker.judge_all(store, threading.Event())
    judging.keep_found(store)


def test_without_gold_the_signals_ask_and_convict_nobody(open_script: Open, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    steps = np.arange(200)
    metrics = pl.DataFrame({
        "run_id": ["blind"] * 200, "step": steps, "kl": steps / 20, "proxy_reward": steps / 50,
        "entropy": 2.5 - 0.011 * steps + rng.normal(0, 0.02, 200), "response_length": [50.0] * 200,
    })  # fmt: skip
    metrics.write_csv(tmp_path / "blind.csv")
    rows = simulated(Setting(steps=20), rng).select(
        "step", "prompt_id", run_id=pl.lit("blind"), proxy_reward="proxy",
        sample_id=pl.int_range(pl.len()).over("step", "prompt_id"),
        completion=pl.lit("- <b>a</b>"),
    )  # fmt: skip
    rows.write_parquet(tmp_path / "rows.parquet")
    files = tmp_path / "blind.csv", tmp_path / "rows.parquet"
    page = open_script("runs/responses.py", *files, run="blind")
    keep(ownership.owner().store)
    text = text_of(opened(page, *PANELS))
    assert not any(title.startswith("Rival") for title in titles(page))
    assert "Ask for gold (entropy): 100 labels up to KL 9.95 nats would decide." in text
    assert "healthy trainings" in text and "convict nobody" in text
    assert "Hack or instability: cannot tell" in text and "no response has gold" in text


def test_the_card_has_the_line_once_it_is_computed_and_never_waits(
    open_script: Open, tmp_path: Path
) -> None:
    table(tmp_path / "live.parquet", 20)
    page = open_script("runs/overoptimization.py", tmp_path / "live.parquet", run="live")
    assert "Length alone" not in html(page)
    store = ownership.owner().store
    paid_reads.measure_lines(store, threading.Event())
    assert "Length alone explains" in html(page.run())
    frozen = open_script("runs/overoptimization.py", run="live", until="14")
    assert "Length alone" not in html(frozen)
    paid_reads.measure_asked(store, threading.Event())
    assert "Length alone explains" in html(frozen.run())


def table(file: Path, steps: int) -> None:
    """The responses of a run called live."""
    rows = simulated(Setting(steps=steps), np.random.default_rng(3))
    rows.select("step", "prompt_id", run_id=pl.lit("live"), proxy_reward="proxy",
                gold_reward="gold", n_tokens="tokens", completion=pl.lit("a b"),
                sample_id=pl.int_range(pl.len()).over("step", "prompt_id"),
                ).write_parquet(file)  # fmt: skip


def test_a_run_that_grows_every_second_is_not_computed_every_second(
    open_script: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "live.parquet"
    table(file, 20)
    open_script("runs/responses.py", file, run="live")
    store, at = ownership.owner().store, [100.0]
    monkeypatch.setattr(paid_reads.time, "monotonic", lambda: at[0])
    monkeypatch.setattr(
        paid_reads, "_rested", {(str(store.home), "live", step): 150.0 for step in (None, 1, 2)}
    )
    before = dict(paid_reads._lines)
    paid_reads.measure_lines(store, threading.Event())
    assert paid_reads._lines == before and ("live", None) in paid_reads._asked
    at[0] = 151.0
    paid_reads.measure_asked(store, threading.Event())
    assert len(paid_reads._lines) == len(before) + 1 and not paid_reads._asked
    assert list(paid_reads._rested) == [(str(store.home), "live", None)]  # it alone rests again


def html(page: AppTest) -> str:
    assert not page.exception, page.exception
    return "".join(part.proto.body for part in page.get("html"))
