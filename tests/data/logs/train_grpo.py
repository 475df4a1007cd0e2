"""A real training run that is meant to be killed and resumed: TRL's GRPO of a tiny model.

    python -m venv /tmp/trl && /tmp/trl/bin/pip install torch trl trackio tensorboard
    /tmp/trl/bin/python tests/data/logs/train_grpo.py OUT_FOLDER STEPS [--resume]

The model has random weights and is made here: nothing is downloaded. It logs every step to
TensorBoard and trackio, saves a checkpoint every 10 steps, and writes completions.
``python -m bench.live PYTHON_OF_THAT_VENV`` starts it, kills it, resumes it, and compares what a
watcher and a page saw of it with a fresh import.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

OUT, STEPS, RESUME = Path(sys.argv[1]).resolve(), int(sys.argv[2]), "--resume" in sys.argv
os.environ |= {
    "HF_HUB_OFFLINE": "1", "TRACKIO_DIR": str(OUT / "trackio"), "TRACKIO_PROJECT": "live",
    "TENSORBOARD_LOGGING_DIR": str(OUT / "tb"),
}  # fmt: skip

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast  # noqa: E402
from trl import GRPOConfig, GRPOTrainer  # noqa: E402

WORDS = ["<pad>", "<eos>", "<unk>", *(f"w{i}" for i in range(61))]


def proxy_rm(completions: list[str], **_: object) -> list[float]:
    """Likes the word w1, however often it is said."""
    return [text.split().count("w1") / 4 for text in completions]


def gold_rm(completions: list[str], **_: object) -> list[float]:
    """Likes the word w1 once or twice."""
    return [float(min(n, 2) - max(0, n - 2)) for n in (t.split().count("w1") for t in completions)]


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    words = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(WORDS), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=64,
            pad_token_id=0, eos_token_id=1, bos_token_id=1,
        )
    )  # fmt: skip
    start = OUT.parent / "tiny-model"
    model.save_pretrained(start)
    tokenizer.save_pretrained(start)
    settings = GRPOConfig(
        output_dir=str(OUT), run_name=OUT.name, report_to=["tensorboard", "trackio"],
        project="live", trackio_space_id=None, max_steps=STEPS, logging_steps=1,
        save_steps=10, learning_rate=1e-2, beta=0.01, per_device_train_batch_size=8,
        num_generations=8, max_completion_length=16,
        reward_weights=[1.0, 0.0], log_completions=True, use_cpu=True, bf16=False, seed=0,
    )  # fmt: skip
    trainer = GRPOTrainer(
        model=str(start),
        processing_class=tokenizer,
        reward_funcs=[proxy_rm, gold_rm],
        args=settings,
        train_dataset=Dataset.from_list([{"prompt": f"w{i} w{i + 1}"} for i in range(2, 50)]),
    )
    trainer.train(resume_from_checkpoint=RESUME)
    trainer.save_state()


if __name__ == "__main__":
    main()
