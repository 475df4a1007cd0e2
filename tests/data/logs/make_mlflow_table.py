"""How mlflow_table/mlruns was made: by mlflow 3.17.2 itself, in its file store.

    pip install mlflow==3.17.2; MLFLOW_ALLOW_FILE_STORE=true python make_mlflow_table.py

A run with a table of responses, logged with ``mlflow.log_table`` as a callback does.
"""

import shutil
import tempfile
from pathlib import Path

import mlflow

assert mlflow.__version__ == "3.17.2"
folder = Path(tempfile.mkdtemp()) / "mlruns"
mlflow.set_tracking_uri(folder.as_uri())
mlflow.set_experiment("lab")
with mlflow.start_run(run_name="with table") as run:
    mlflow.log_params({"beta": 0.04, "logging_steps": 1, "num_generations": 2})
    for step in (1, 2):
        row = {"kl": 0.1 * step, "reward": 0.5 * step, "completions/mean_length": 20.0}
        mlflow.log_metrics(row | {"rewards/proxy_rm/mean": 0.5 * step, "loss": 0.1}, step=step)
        texts = {"prompt": ["p", "p"], "completion": [f"a{step}", f"b{step}"]}
        mlflow.log_table(
            {"step": [step, step], **texts, "proxy_rm": [0.25 * step, 0.75 * step]},
            "completions.json",
        )


def left_out(_, names):
    return {n for n in names if n == "0" or n.startswith(("mlflow.source", "mlflow.user"))}


target = Path(__file__).parent / "mlflow_table" / "mlruns"
shutil.rmtree(target.parent, ignore_errors=True)
shutil.copytree(folder, target, ignore=left_out)
