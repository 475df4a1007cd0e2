"""How openrlhf/ was made: by the loggers of OpenRLHF 0.11.2 over torch 2.13's SummaryWriter.

    pip download --no-deps openrlhf==0.11.2 (unpacked into OPENRLHF)
    pip install torch==2.13.0 tensorboard; OPENRLHF=… python make_openrlhf.py > /dev/null

OpenRLHF does not import without ray and deepspeed, so utils/logging_utils.py is loaded by itself;
the keys are those of ppo_trainer.py and experience_maker.py, the numbers are made up.
"""

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

source = Path(os.environ["OPENRLHF"]) / "openrlhf" / "utils" / "logging_utils.py"
spec = importlib.util.spec_from_file_location("logging_utils", source)
logging_utils = importlib.util.module_from_spec(spec)
target = Path(__file__).parent / "openrlhf"
shutil.rmtree(target, ignore_errors=True)
(target / "stdout").mkdir(parents=True)
output = sys.stdout = open(target / "stdout" / "ppo_llama.log", "w")  # noqa: SIM115
spec.loader.exec_module(logging_utils)
logger = logging_utils.init_logger("openrlhf.trainer.ppo_trainer")


def write(run, estimator, use_loss=False, coefficient=0.01):
    place = SimpleNamespace(tensorboard_dir=str(target), wandb=SimpleNamespace(run_name=run))
    board = logging_utils.TensorboardLogger(SimpleNamespace(logger=place))
    for step in range(1, 13):
        kl = 0.02 * step if coefficient else 0.0
        diff = 0.0 if use_loss or not coefficient else kl if estimator == "k1" else kl * 1.5
        status = {
            "policy_loss": -0.01, "actor_lr": 1e-6, "ppo_clip_ratio": 0.01, "ppo_kl": 0.0004,
            "kl": kl, "logprobs_diff": diff, "reward": 0.1 * step, "return": 0.1 * step - kl,
            "response_length": 50.0 + step, "total_length": 80.0 + step,
            "response_clip_ratio": 0.25, "gold_check": 1.0 - 0.05 * step,
            "rollout/reward_mean": 0.1 * step, "rollout/reward_std": 0.5,
            "rollout/response_length_mean": 50.0 + step, "rollout/truncated_rate": 0.25,
            "rollout/num_samples": 128.0, "timing/generation": 1.5,
        }  # fmt: skip
        if step == 7:
            status["reward"] = float("nan")
        if run == "ppo_llama":
            logger.info(f"✨ Global step {step}: {status}")
        board.log_train(step, {**status, "generated_samples": ["text", 0.5]})
        if step % 4 == 0:
            logs = {"eval_gsm8k_pass1": 0.05 * step, "eval_num_samples": 64.0}
            board.log_eval(step, logs)
            if run == "ppo_llama":
                logger.info(
                    f"✨ Evaluation completed in 0:01:02, global_step {step}, eval_metrics: {logs}"
                )
    board.close()


write("ppo_llama", "k1")
write("k3_llama", "k3")
write("use_loss_llama", "k3", use_loss=True)
write("no_reference_llama", "k1", coefficient=0)
output.flush()
