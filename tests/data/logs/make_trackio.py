"""How trackio/small-lab.db was made: by trackio 0.43.0 itself, two short runs in one project.

    pip install trackio==0.43.0; TRACKIO_DIR=… python make_trackio.py

The rows are like those of TRL 1.16: a profile, metrics with train/global_step, a table; step 2 of
run-a is logged twice, as after a resume. run-b never says its step. Then the database was vacuumed.
"""

import os
import sqlite3
import sys
import tempfile
from pathlib import Path

target = Path(__file__).parent / "trackio" / "small-lab.db"
os.environ["TRACKIO_DIR"] = folder = tempfile.mkdtemp()

import trackio  # noqa: E402

assert trackio.__version__ == "0.43.0", sys.exit("trackio 0.43.0 is meant")


def row(step, kl, proxy, gold, phase="train"):
    return {
        f"{phase}/kl": kl, f"{phase}/reward": proxy, f"{phase}/completions/mean_length": 20.0,
        f"{phase}/rewards/proxy_rm/mean": proxy, f"{phase}/rewards/gold_rm/mean": gold,
        f"{phase}/entropy": 0.5, "train/epoch": step / 10, "train/global_step": step,
    }  # fmt: skip


config = {
    "beta": 0.04, "reward_weights": [1.0, 0.0], "scale_rewards": "group", "logging_steps": 1,
    "run_name": "run-a",
}  # fmt: skip
trackio.init(project="small-lab", name="run-a", config=config)
for step, kl, proxy, gold in ((1, 0.0, 0.1, 0.2), (2, 0.5, 0.6, 0.3), (2, 0.25, 0.4, 0.5)):
    trackio.log({"profiling/Time taken: GRPOTrainer.compute_loss": 0.01})
    trackio.log(row(step, kl, proxy, gold))
trackio.log(row(2, 0.2, 0.3, 0.75, phase="eval"))
trackio.log(row(3, float("nan"), 0.7, float("nan")))
columns = {"step": [3, 3], "prompt": ["p", "p"], "completion": ["a", "<b>b</b>"],
           "proxy_rm": [0.5, 0.9], "gold_rm": [0.0, 1.0]}  # fmt: skip
import pandas  # noqa: E402

trackio.log({"completions": trackio.Table(dataframe=pandas.DataFrame(columns))})
trackio.log({"train/train_runtime": 3.0, "train/epoch": 0.3, "train/global_step": 3})
trackio.finish()
trackio.init(project="small-lab", name="run-b")
trackio.log({"kl": 0.0, "reward": 1.0})
trackio.log({"kl": 0.25, "reward": 1.5})
trackio.finish()

(database,) = Path(folder).glob("*.db")
target.parent.mkdir(exist_ok=True)
target.unlink(missing_ok=True)
with sqlite3.connect(database) as connection:
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.execute("vacuum into ?", (str(target),))
connection.close()
