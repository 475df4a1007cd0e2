"""How lm_eval/ was made, with lm_eval 0.4.13 and its dummy model in an environment of its own.

    pip install lm_eval==0.4.13
    python make_lm_eval.py /tmp/lm
    lm_eval --model dummy --tasks facts,choice --include_path /tmp/lm/tasks --log_samples \
        --output_path /tmp/lm/out --seed 7

The folder that it wrote (a random name for want of a model's) was renamed to dummy.
"""

import json
import sys
from pathlib import Path

FACTS = [
    ("capital-fr", "What is the capital of France?", "lol"),
    ("capital-au", "What is the capital of Australia?", "Canberra"),
    ("author-emma", "Who wrote Emma?", "Jane Austen"),
]
TASK = """task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
test_split: test
output_type: {kind}
doc_to_text: "{{{{question}}}}"
{further}metric_list:
  - metric: {metric}
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""
FREE = 'doc_to_target: "{{answer}}"\ngeneration_kwargs:\n  until: ["\\n"]\n'
CHOICE = 'doc_to_choice: ["Paris", "Canberra"]\ndoc_to_target: 1\n'

folder = Path(sys.argv[1]) / "tasks"
folder.mkdir(parents=True)
data = folder / "facts.jsonl"
rows = [dict(zip(("id", "question", "answer"), fact, strict=True)) for fact in FACTS]
data.write_text("".join(json.dumps(row) + "\n" for row in rows))
for name, kind, metric, further in (
    ("facts", "generate_until", "exact_match", FREE),
    ("choice", "multiple_choice", "acc", CHOICE),
):
    text = TASK.format(name=name, data=data, kind=kind, metric=metric, further=further)
    (folder / f"{name}.yaml").write_text(text)
