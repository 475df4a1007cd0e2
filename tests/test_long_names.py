"""A name of a thousand letters is cut wherever a page shows it: words, labels, charts, pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from bench.sessions import Session
from data.columns import ReadOptions
from data.incoming.importing import import_paths
from tests.server import Server, servers

LETTERS = "L" * 20 + " LL" * 300
LONG = "LL " * 40
RUN, SECOND, LOOP = f"run {LETTERS}", f"second {LETTERS}", f"loop {LETTERS}"
PAGES = {
    "/": [], "/overoptimization": [("run", RUN)],
    "/overoptimization?": [("run", RUN), ("run", SECOND), ("until", "30"), ("until", "30")],
    "/responses": [("run", RUN)],
    "/components": [("run", RUN), ("run", SECOND)], "/best-of-n": [("run", RUN)],
    "/scaling": [("run", RUN), ("run", SECOND)], "/hallucination": [("loop", LOOP)],
    "/calibration": [("loop", LOOP)], "/answers": [("loop", LOOP)],
    "/training-set": [("loop", LOOP)], "/behaviours": [("run", RUN)], "/sources": [],
    "/quality": [("run", RUN)],
}  # fmt: skip
MISSING = [(page.strip("?"), [(key, f"no {LETTERS}")]) for page, asked in PAGES.items()
           for key in ("run", "loop", "until", "topic", "gold", "component", "q")]  # fmt: skip
UNSEEN = ("legendgroup", "uirevision", "meta", "customdata", "ids", "alignmentgroup", "offsetgroup")


def metrics(run: str) -> list[dict[str, object]]:
    return [
        {"run_id": run, "step": step, "kl": step / 9, "proxy_reward": step / 20,
         "gold_reward": step / 20 - (step / 30) ** 2, "gold_reward_se": 0.02,
         f"rewards/{LETTERS}/mean": step / 30, "project": f"project {LETTERS}"}
        for step in range(0, 60, 3)
    ]  # fmt: skip


def answers() -> list[dict[str, object]]:
    return [
        {"loop": LOOP, "iteration": at, "question_id": f"q{n}", "question": "a?", "answer": "b",
         "reference": "c", "grade": ("correct", "incorrect")[n % 3 > at], "confidence": 0.9,
         "topic": f"topic {LETTERS}", "origin": "self_generated", "grader": f"grader {LETTERS}"}
        for at in range(3) for n in range(12)
    ]  # fmt: skip


def samples() -> list[dict[str, object]]:
    return [
        {"run_id": RUN, "step": step, "prompt_id": f"p{n % 2} {LETTERS}", "sample_id": str(n),
         "prompt": "a", "response": "b", "proxy_reward": n / 9, f"rm {LETTERS}": n / 8,
         "gold_reward": 0.4}
        for step in range(0, 60, 6) for n in range(4)
    ]  # fmt: skip


def behaviours() -> list[dict[str, object]]:
    return [
        {"run_id": RUN, "step": step, "trajectory_id": f"{n}", "environment": f"env {LETTERS}",
         "behaviour": f"bad {LETTERS}", "value": n % 2, "source": f"judge {LETTERS}"}
        for step in range(0, 60, 6) for n in range(8)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def long_names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, home = tmp_path_factory.mktemp("long"), tmp_path_factory.mktemp("long-home")
    logs = {
        "metrics": metrics(RUN) + metrics(SECOND), "answers": answers(), "samples": samples(),
        "behaviours": behaviours(),
    }  # fmt: skip
    for name, rows in logs.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = import_paths(home, sorted(folder.iterdir()), ReadOptions())
    assert not done.skipped
    with servers(tmp_path_factory) as start:
        yield start(home=home)


def texts(session: Session) -> Iterator[tuple[str, str]]:
    """What a reader sees of a page, with its kind; not what is addressed, copied or in cells."""
    for element in session.elements:
        kind = element.WhichOneof("type")
        shown = getattr(element, kind)
        for field in ("body", "label", "help", "placeholder"):
            if isinstance(text := getattr(shown, field, ""), str) and kind != "code":
                yield f"{kind}.{field}", re.sub(r"<[^>]*>", " ", text) if kind == "html" else text
        if kind == "plotly_chart":
            yield from (("chart", text) for text in drawn_texts(json.loads(shown.spec)))


def drawn_texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in UNSEEN:
                yield from drawn_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from drawn_texts(inner)
    elif isinstance(value, str):
        yield value


def too_long(served: Server, page: str, asked: list[tuple[str, str]]) -> list[str]:
    with Session(served.url) as session:
        drawn = session.open(f"{page.strip('?')}?{urlencode(asked)}")
        found = [f"{page}: {kind}: {text[:90]}" for kind, text in texts(session) if LONG in text]
    return found + [f"{page} failed: {one}" for one in drawn.failed]


@pytest.mark.parametrize("page", PAGES)
def test_names_are_cut(long_names: Server, page: str) -> None:
    assert too_long(long_names, page, PAGES[page]) == []


def test_what_an_address_asks_for_is_cut(long_names: Server) -> None:
    found = [one for page, asked in MISSING[::3] for one in too_long(long_names, page, asked)]
    assert found == []


def test_the_eyes_of_these_tests(long_names: Server) -> None:
    with Session(long_names.url) as session:
        session.open(f"/overoptimization?{urlencode([('run', RUN)])}")
        seen = list(texts(session))
    assert {kind.split(".")[0] for kind, _ in seen} >= {"markdown", "chart", "heading"}
    assert any("L" * 20 in text for _, text in seen)
