"""How inspect/ was made, with inspect_ai 0.3.285 in an environment of its own.

Run as ``python make_inspect.py FOLDER``. The model is inspect's mock model with fixed outputs.
"""

import sys
from pathlib import Path

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelAPI, ModelOutput, get_model
from inspect_ai.scorer import (
    CORRECT,
    INCORRECT,
    NOANSWER,
    PARTIAL,
    Score,
    Target,
    accuracy,
    match,
    scorer,
    stderr,
)  # fmt: skip
from inspect_ai.solver import TaskState, generate


async def tokens(self: ModelAPI, text: str) -> int:
    return len(text) // 4


ModelAPI.count_text_tokens = tokens  # the package would fetch a vocabulary to count them

FACTS = [
    ("capital-fr", "What is the capital of France?", "Paris", "Paris", "geography"),
    ("capital-au", "What is the capital of Australia?", "Canberra", "Sydney", "geography"),
    ("author-emma", "Who wrote Emma?", "Jane Austen", "I do not know", "books"),
    ("author-ulysses", "Who wrote Ulysses?", "James Joyce", "Joyce", "books"),
]


@scorer(metrics=[accuracy(), stderr()])
def graded():
    async def score(state: TaskState, target: Target) -> Score:
        completion = state.output.completion
        if "not know" in completion:
            value = NOANSWER
        elif completion == target.text:
            value = CORRECT
        else:
            value = PARTIAL if completion in target.text else INCORRECT
        return Score(
            value=value, answer=completion, explanation="by rule", metadata={"confidence": 0.9}
        )

    return score


def main(folder: Path) -> None:
    samples = [Sample(id=i, input=q, target=t, metadata={"topic": topic})
               for i, q, t, _, topic in FACTS]  # fmt: skip
    for kind in ("eval", "json"):
        outputs = [ModelOutput.from_content("mockllm/model", completion)
                   for *_, completion, _ in FACTS for _ in range(2)]  # fmt: skip
        task = Task(MemoryDataset(samples), solver=generate(), scorer=[graded(), match()],
                    epochs=2, name="facts")  # fmt: skip
        eval(task, model=get_model("mockllm/model", custom_outputs=outputs), log_dir=str(folder),
             log_format=kind, display="none", max_samples=1, metadata={"iteration": 3})  # fmt: skip


main(Path(sys.argv[1]))
