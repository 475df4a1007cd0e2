"""TRL callbacks: one posts what the trainer logs to the monitor, one asks what it says of the run.

    trainer = GRPOTrainer(..., callbacks=[
        MonitorCallback("http://monitor.example:8501", "my-run"),
        VerdictCallback("http://monitor.example:8501", "my-run"),
    ])

They need nothing but the standard library and transformers. GRPO and RLOO log KL in nats per token,
as a mean weighted by tokens: times the mean response length it is nats per response. A server
that does not answer is said once and never stops the training.
"""

import json
import math
import os
import sys
import urllib.parse
import urllib.request

from transformers import TrainerCallback

GOLD = "rewards/gold_rm/mean"  # your gold reward function, logged with weight 0


class MonitorCallback(TrainerCallback):
    """Posts one row a log call to POST /api/ingest."""

    def __init__(self, server, run, project="default", token=None, gold=GOLD):
        self.url = f"{server}/api/ingest?run={run}&project={project}"
        self.token = token or os.environ["OVEROPT_INGEST_TOKEN"]
        self.gold = gold
        self.failed = False

    def on_log(self, args, state, control, logs=None, **kwargs):
        """Send the row; runs on the main process alone."""
        if not state.is_world_process_zero or not logs or "reward" not in logs:
            return
        length = logs.get("completions/mean_length")
        row = {
            "step": state.global_step,
            "kl": logs["kl"] * length if "kl" in logs and length else None,
            "proxy_reward": logs["reward"],
            "gold_reward": logs.get(self.gold),
            "response_length": length,
            "entropy": logs.get("entropy"),
            "clipped_share": logs.get("completions/clipped_ratio"),
        }
        row = {k: v for k, v in row.items() if v is not None and math.isfinite(v)}
        request = urllib.request.Request(
            self.url, json.dumps(row).encode(), {"Authorization": f"Bearer {self.token}"}
        )
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except OSError as error:
            if not self.failed:
                print(f"the monitor at {self.url} did not take a row: {error}")
            self.failed = True


class VerdictCallback(TrainerCallback):
    """Asks GET /api/verdicts after each save, keeps the checkpoint, and says what the verdict is.

    stop=True: it also ends the training, after two verdicts in a row that gold has fallen, each
    with new gold. A warning, gold whose noise is not known, a withdrawn alarm, a verdict that is
    still being made, or a server that does not answer never stops anything.
    """

    UNSURE = ("gold_noise_unknown", "alarm_withdrawn")

    def __init__(self, server, run, stop=False):
        self.url = f"{server}/api/verdicts?run={urllib.parse.quote(run, safe='')}"
        self.stop = stop
        self.printed = None
        self.alarms = 0
        self.gold = 0

    def on_save(self, args, state, control, **kwargs):
        """Ask once a checkpoint, on the main process alone; what is decided holds on all."""
        stops = state.is_world_process_zero and self.asked(state)
        if self.stop and everywhere(stops):
            control.should_training_stop = True

    def asked(self, state):
        """Whether the training should end; whatever the server sends, it goes on without one."""
        try:
            verdict = self.ask()
            self.tell(state, verdict)
            if not (self.fallen(verdict) and self.stop):
                return False
        except Exception as error:
            self.say(f"the monitor at {self.url} gave no verdict: {error}; the training goes on")
            return False
        print(f"step {state.global_step}: gold fell in two verdicts, each on new gold: stopping")
        return True

    def ask(self):
        """The run's verdict, None where there is none yet."""
        with urllib.request.urlopen(self.url, timeout=5) as answer:
            rows = json.loads(answer.read())
        return rows[0] if rows else None

    def tell(self, state, verdict):
        """Say a verdict once, and that the checkpoint is kept."""
        if verdict and verdict["status"] in ("overoptimized", "collapsed", "warning"):
            reason = (verdict.get("reasons") or [""])[0]
            self.say(f"{verdict['status']}: {reason} checkpoint-{state.global_step} is kept")

    def say(self, text):
        """Print what was not said last."""
        if text != self.printed:
            print(text)
        self.printed = text

    def fallen(self, verdict):
        """Whether this is the second verdict in a row, on new gold, that gold has fallen."""
        if not verdict or verdict.get("updating"):
            return False  # not judged yet, or judged without the newest rows
        gold = verdict.get("gold_evaluations") or 0
        if gold <= self.gold:
            return False  # no new gold: the same verdict again
        self.gold = gold
        alarm = verdict.get("alarm")
        sure = (
            verdict.get("status") in ("overoptimized", "collapsed")
            and alarm is not None
            and not alarm.get("withdrawn")
            and not set(self.UNSURE) & set(verdict.get("flags", []))
        )
        self.alarms = self.alarms + 1 if sure else 0
        return self.alarms >= 2


def everywhere(stops):
    """The main process's answer on every process: one that stopped alone would leave the others
    waiting for it."""
    distributed = getattr(sys.modules.get("torch"), "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return stops
    answers = [stops]
    distributed.broadcast_object_list(answers, src=0)
    return answers[0]
