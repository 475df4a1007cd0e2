"""The callback that asks for verdicts keeps checkpoints, and stops a training only when told."""

import io
import json
import sys
import types
from pathlib import Path
from types import SimpleNamespace
from urllib.error import HTTPError, URLError

import pytest

SOURCE = (Path(__file__).resolve().parents[1] / "docs" / "trl_callback.py").read_text()


def verdict(gold: int, status: str = "overoptimized", **more) -> dict:
    """A row of GET /api/verdicts after so many gold evaluations."""
    alarm = {"step": 10, "withdrawn": None} if status in ("overoptimized", "collapsed") else None
    return {"run": "r", "status": status, "reasons": ["Gold fell."], "flags": [], "alarm": alarm,
            "gold_evaluations": gold, "updating": False, **more}  # fmt: skip


class Trainer:
    """Saves a checkpoint every 10 steps and asks its callbacks, as the real one does."""

    def __init__(self, space: dict, answers: list, monkeypatch, stop: bool, main: bool = True):
        self.answers, self.asked = list(answers), 0
        monkeypatch.setattr(space["urllib"].request, "urlopen", self.answer)
        self.callback = space["VerdictCallback"]("http://localhost:1", "a run/1", stop=stop)
        self.main = main

    def answer(self, url, timeout=None):
        assert url.endswith("/api/verdicts?run=a%20run%2F1") and timeout
        given = self.answers[self.asked]
        self.asked += 1
        if isinstance(given, Exception):
            raise given
        return io.BytesIO(given if isinstance(given, bytes) else json.dumps(given).encode())

    def train(self) -> int:
        """Checkpoints that were saved before it ended."""
        control = SimpleNamespace(should_training_stop=False)
        for saved in range(1, len(self.answers) + 1):
            state = SimpleNamespace(is_world_process_zero=self.main, global_step=10 * saved)
            self.callback.on_save(None, state, control)
            if control.should_training_stop:
                return saved
        return len(self.answers)


@pytest.fixture
def space(monkeypatch) -> dict:
    stub = types.ModuleType("transformers")
    stub.TrainerCallback = object
    monkeypatch.setitem(sys.modules, "transformers", stub)
    made: dict = {"__name__": "callback"}
    exec(SOURCE, made)
    return made


FALLEN = [[verdict(n)] for n in range(5, 9)]


def test_by_default_it_keeps_the_checkpoint_and_says_so(space, monkeypatch, capsys) -> None:
    assert Trainer(space, FALLEN, monkeypatch, stop=False).train() == 4
    printed = capsys.readouterr().out
    assert (
        "overoptimized: Gold fell. checkpoint-10 is kept" in printed and "stopping" not in printed
    )


def test_with_the_flag_two_verdicts_on_new_gold_stop_it(space, monkeypatch, capsys) -> None:
    assert Trainer(space, FALLEN, monkeypatch, stop=True).train() == 2
    assert "gold fell in two verdicts" in capsys.readouterr().out


@pytest.mark.parametrize(
    "answers",
    [
        [[verdict(5)]] * 4,  # the same gold again
        [[verdict(n, "warning")] for n in range(5, 9)],
        [[verdict(n, "no_onset")] for n in range(5, 9)],
        [[verdict(n, flags=["gold_noise_unknown"])] for n in range(5, 9)],
        [[verdict(n, flags=["alarm_withdrawn"])] for n in range(5, 9)],
        [[verdict(n, alarm={"step": 1, "withdrawn": {"step": 3, "reason": "x"}})]
         for n in range(5, 9)],
        [[verdict(n, alarm=None)] for n in range(5, 9)],
        [[verdict(n, updating=True)] for n in range(5, 9)],
        [[verdict(n, "overoptimized" if n % 2 else "no_onset")] for n in range(5, 13)],
        [[]] * 4,  # not judged yet
        [URLError("refused")] * 4,
        [TimeoutError()] * 4,
        [HTTPError("u", 404, "no such run", None, None)] * 4,
        [b"<html>"] * 4,
        [{"error": "the store is not open yet"}] * 4,
        [[{"status": "not_judged"}]] * 4,
        [[verdict(5)], *[URLError("gone")] * 3],
    ],
    ids=["same gold", "warning", "no onset", "noise unknown", "withdrawn flag", "withdrawn alarm",
         "no alarm", "updating", "one and one", "none yet", "dead", "silent", "404", "html",
         "error", "not judged", "dies"],
)  # fmt: skip
def test_nothing_else_ever_stops_it(space, monkeypatch, answers: list) -> None:
    assert Trainer(space, answers, monkeypatch, stop=True).train() == len(answers)


def test_a_dead_server_is_said_once(space, monkeypatch, capsys) -> None:
    Trainer(space, [URLError("refused")] * 4, monkeypatch, stop=True).train()
    assert capsys.readouterr().out.count("the training goes on") == 1


def test_other_processes_do_as_the_main_one(space, monkeypatch) -> None:
    """A process that stopped alone would leave the others waiting."""
    sent = iter([False, True])

    def broadcast(values: list, src: int) -> None:
        values[0] = next(sent)

    torch = SimpleNamespace(distributed=SimpleNamespace(
        is_available=lambda: True, is_initialized=lambda: True, broadcast_object_list=broadcast
    ))  # fmt: skip
    monkeypatch.setitem(sys.modules, "torch", torch)
    other = Trainer(space, FALLEN, monkeypatch, stop=True, main=False)
    assert other.train() == 2 and other.asked == 0
