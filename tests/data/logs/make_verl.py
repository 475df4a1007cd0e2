"""How verl/ was made: by the Tracking class of verl 0.9.1 and the real mlflow 3.17.2.

    pip install --no-deps verl==0.9.1; pip install orjson packaging tensorboard torch==2.13.0
    python make_verl.py            # file logger, tensorboard, dumps
    pip install mlflow==3.17.2; python make_verl.py mlflow

verl itself does not import without ray, so its verl/utils/tracking.py is loaded by itself; the
keys are those of verl/trainer/ppo/metric_utils.py and ray_trainer.py, the numbers are made up.
"""

import importlib.metadata
import importlib.util
import json
import math
import os
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

assert importlib.metadata.version("verl") == "0.9.1"
folder = Path(importlib.metadata.distribution("verl").locate_file("verl"))
spec = importlib.util.spec_from_file_location("tracking", folder / "utils" / "tracking.py")
tracking = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tracking)
TARGET = Path(__file__).parent / "verl"
PROJECT, EXPERIMENT = "math", "grpo_kl_loss"
CONFIG = {
    "algorithm": {"adv_estimator": "grpo", "use_kl_in_reward": False, "kl_penalty": "kl"},
    "actor_rollout_ref": {
        "actor": {"use_kl_loss": True, "kl_loss_coef": 0.001, "kl_loss_type": "low_var_kl",
                  "loss_agg_mode": "token-mean"},
        "rollout": {"n": 8}, "model": {"path": "tiny"},
    },
    "data": {"train_batch_size": 64},
    "trainer": {"project_name": PROJECT, "experiment_name": EXPERIMENT},
}  # fmt: skip


def row(step, in_reward):
    kl = 0.01 * step
    data = {
        "actor/pg_loss": -0.01, "actor/ppo_kl": 0.0005, "actor/entropy": 0.7 - 0.02 * step,
        "actor/pg_clipfrac": 0.01, "actor/grad_norm": 0.5, "actor/lr": 1e-6,
        "critic/score/mean": 0.1 * step, "critic/score/max": 1.0, "critic/score/min": 0.0,
        "critic/rewards/mean": 0.1 * step - (0.5 * kl if in_reward else 0),
        "response_length/mean": 100.0 + step, "response_length/max": 256.0,
        "response_length/clip_ratio": 0.125, "training/global_step": step, "training/epoch": 0,
        "perf/total_num_tokens": 64 * 8 * 150,
    }  # fmt: skip
    if in_reward:
        data |= {"actor/reward_kl_penalty": kl, "actor/reward_kl_penalty_coeff": 0.5}
    else:
        data |= {"actor/kl_loss": kl, "actor/kl_coef": 0.001}
    return data


def validation(step):
    acc = 0.3 + 0.05 * step if step <= 6 else 0.6 - 0.03 * (step - 6)
    return {
        "val-core/openai/gsm8k/acc/mean@4": acc, "val-core/openai/gsm8k/acc/best@4/mean": acc + 0.1,
        "val-aux/openai/gsm8k/acc/std@4": 0.2, "val-aux/openai/gsm8k/reward/mean@4": 0.1 * step,
        "val-aux/num_turns/mean": 1.0,
    }  # fmt: skip


def log(experiment, backends, in_reward):
    tracker = tracking.Tracking(PROJECT, experiment, backends, CONFIG)
    tracker.log(data=validation(0), step=0)
    for step in range(1, 13):
        data = row(step, in_reward)
        if step == 5:
            data["critic/score/mean"] = math.nan
        if step % 3 == 0:
            data |= validation(step)
        tracker.log(data=data, step=step)
    tracker.finish()


if sys.argv[1:] == ["mlflow"]:
    import mlflow

    assert mlflow.__version__ == "3.17.2"
    database = Path(tempfile.mkdtemp()) / "mlruns.db"
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{database}"
    log(EXPERIMENT, ["mlflow"], False)
    log("ppo_kl_in_reward", ["mlflow"], True)
    mlflow.tracking.fluent._active_experiment_id = None
    (TARGET / "mlruns.db").unlink(missing_ok=True)
    with sqlite3.connect(database) as connection:  # smaller pages: 80 tables are nearly empty
        connection.execute("pragma page_size = 512")
        connection.execute("vacuum into ?", (str(TARGET / "mlruns.db"),))
else:
    shutil.rmtree(TARGET, ignore_errors=True)
    os.environ["VERL_FILE_LOGGER_ROOT"] = str(TARGET)
    os.environ["TENSORBOARD_DIR"] = str(TARGET / "tensorboard_log" / PROJECT / EXPERIMENT)
    log(EXPERIMENT, ["file", "tensorboard"], False)
    log("ppo_kl_in_reward", ["file"], True)
    # As RayPPOTrainer._write_generations does (ray_trainer.py:455-478).
    for step in (1, 2):
        for kind, extra in (("rollouts", {}), ("validation", {"acc": [1.0, 0.0]})):
            data = {"input": ["1+1?", "1+1?"], "output": ["2", "<b>3</b>"], "gts": ["2", "2"],
                    "score": [1.0, -0.5 * step], "step": [step] * 2} | extra  # fmt: skip
            path = TARGET / "dumps" / "grpo_dumped" / kind / f"{step}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "w") as file:
                for i in range(2):
                    entry = {key: column[i] for key, column in data.items()}
                    file.write(json.dumps(entry, ensure_ascii=False, default=str) + "\n")
