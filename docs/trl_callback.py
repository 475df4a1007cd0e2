"""A TRL callback that posts what the trainer logs to the monitor, while it trains.

    trainer = GRPOTrainer(..., callbacks=[MonitorCallback("http://monitor.example:8501", "my-run")])

It needs nothing but the standard library and transformers. GRPO and RLOO log KL in nats per token,
as a mean weighted by tokens: times the mean response length it is nats per response. A server
that does not answer is said once and never stops the training.
"""

import json
import math
import os
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
