"""How r12_wandb was made: by wandb 0.31.0 itself, offline.

    pip install wandb==0.31.0; python make_wandb.py

The rows are like those of TRL 1.16 GRPO: profiles, a metric row each second step with
train/global_step, evaluations, a table of completions, a NaN, the closing summary.
"""

import shutil
import tempfile
from pathlib import Path

import wandb

assert wandb.__version__ == "0.31.0"
target = Path(__file__).parent / "r12_wandb" / "wandb"
folder = tempfile.mkdtemp()
config = {
    "beta": 0.04, "reward_weights": [1.0, 0.0], "scale_rewards": "group", "logging_steps": 2,
    "num_generations": 2, "max_steps": 24, "_name_or_path": "tiny",
}  # fmt: skip
run = wandb.init(
    project="lab", name="r12_wandb", mode="offline", dir=folder, config=config,
    settings=wandb.Settings(x_disable_stats=True, x_disable_meta=True, console="off",
                            disable_git=True, save_code=False, host="host"),
)  # fmt: skip


def row(step, phase="train"):
    gold = float("nan") if step == 10 and phase == "train" else 1.0 if step <= 12 else -1.0
    return {
        f"{phase}/kl": step / 100, f"{phase}/reward": step / 10,
        f"{phase}/completions/mean_length": 16.0,
        f"{phase}/rewards/proxy_rm/mean": step / 10, f"{phase}/rewards/gold_rm/mean": gold,
        f"{phase}/entropy": 0.5, "train/global_step": step,
    }  # fmt: skip


columns = ["step", "prompt", "completion", "proxy_rm", "gold_rm"]
for step in range(1, 25):
    for name in ("transformers.generate", "compute_loss"):
        profile = {f"profiling/Time taken: GRPOTrainer.{name}": 0.01, "train/global_step": step - 1}
        run.log(profile)
    if step % 2 == 0:
        run.log(row(step))
    if step % 12 == 0:
        run.log(row(step, "eval"))
        data = [[step, p, c, r, 0.5] for p, c, r in
                (("p", "a", 1.0), ("p", "b", 2.0), ("q", "c", 1.5), ("q", "d", 2.5))]  # fmt: skip
        run.log({"completions": wandb.Table(columns=columns, data=data), "train/global_step": step})
run.log({"train/train_runtime": 3.0, "train/epoch": 1.0, "train/global_step": 24})
run.finish()
(made,) = (Path(folder) / "wandb").glob("offline-run-*")
shutil.rmtree(target.parent, ignore_errors=True)
for file in [*made.glob("*.wandb"), *made.glob("files/media/table/*")]:
    path = target / made.name / file.relative_to(made)
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, path)
