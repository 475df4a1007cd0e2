"""How mlflow/mlruns was made: by mlflow 3.17.2 itself, in its file store.

    pip install mlflow==3.17.2; MLFLOW_ALLOW_FILE_STORE=true python make_mlflow.py

Flat keys, as transformers' MLflowCallback logs them (TRL 1.16 GRPO), with an evaluation; step 3
is logged twice, as after a resume; one run is deleted.
"""

import shutil
import tempfile
import time
from pathlib import Path

import mlflow

assert mlflow.__version__ == "3.17.2"
folder = Path(tempfile.mkdtemp()) / "mlruns"
mlflow.set_tracking_uri(folder.as_uri())
mlflow.set_experiment("lab")


def row(step, kl):
    return {
        "kl": kl, "reward": 0.1 * step, "completions/mean_length": 20.0, "loss": 0.1,
        "rewards/proxy_rm/mean": 0.1 * step, "rewards/gold_rm/mean": 0.5 - 0.1 * step,
        "epoch": step / 10,
    }  # fmt: skip


with mlflow.start_run(run_name="grpo flat: 1") as run:
    mlflow.log_params({"beta": 0.04, "reward_weights": [1.0, 0.0], "scale_rewards": "group"})
    mlflow.log_params({"logging_steps": 1, "output_dir": "out"})
    for step, kl in ((1, 0.0), (2, 0.05), (3, 0.5), (3, 0.1), (4, float("nan"))):
        mlflow.log_metrics(row(step, kl), step=step)
        mlflow.log_metric("profiling/Time taken: GRPOTrainer.compute_loss", 0.1, step=step)
        mlflow.log_metric("system/cpu_utilization_percentage", 30.0, step=100 + step)
        time.sleep(0.01)
    evaluated = {f"eval_{key}": value for key, value in row(4, 0.2).items() if key != "epoch"}
    mlflow.log_metrics(evaluated | {"eval_runtime": 1.0}, step=4)
with mlflow.start_run(run_name="deleted") as run:
    mlflow.log_metrics(row(1, 0.0), step=1)
mlflow.delete_run(run.info.run_id)


def left_out(_, names):
    return {n for n in names if n == "0" or n.startswith(("mlflow.source", "mlflow.user"))}


target = Path(__file__).parent / "mlflow" / "mlruns"
shutil.rmtree(target.parent, ignore_errors=True)
shutil.copytree(folder, target, ignore=left_out)
