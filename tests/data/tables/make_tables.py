"""Makes the tables beside it: our own values in the columns and shapes that others publish.

Run it as a script to write them anew; a test holds that they are what it makes. Their figures are
known without any of the product's code: from closed forms, or because they were put in.

exact_curve.csv, exact_dynamics.csv: an action x has the base policy N(0, 1) and the proxy x. The
policy that KL regularisation with a coefficient beta gives is N(m, 1), m = 1 / beta, so exactly
KL = m²/2 and proxy = m. Gold is x - C (x³ - 3x), whose mean is m - C m³: it peaks at m = PEAK.
"""

import csv
import gzip
import io
import json
import math
import random
from pathlib import Path

HERE = Path(__file__).resolve().parent

C = 1 / 16.2
PEAK = math.sqrt(1 / (3 * C))
PEAK_KL = PEAK**2 / 2
PEAK_GOLD = 2 / 3 * PEAK

GRADES = {"model-a": {"A": 187, "B": 405, "C": 21}, "model-b": {"A": 175, "B": 331, "C": 107}}
"""Counts of correct, incorrect and not attempted."""

ACCURACY = {
    "format_reward": [48.6, 55.4, 56.0, 47.2, 33.8, 30.2, 14.6, 26.8, 22.4, 19.0, 31.4],
    "kl_collapse": [14.8, 41.2, *[0.0] * 9],
}
"""Per cent of 500 held-out questions at the steps of LOOKS."""
LOOKS = [1, 50, 100, 149, 200, 250, 300, 350, 400, 450, 500]

FACTS = {"S": 301, "NS": 158, "IR": 52}
"""Labels of human-checked facts."""
BIOGRAPHIES, ABSTAINED = 24, 5


def gold(m: float) -> float:
    return m - C * m**3


def digits(value: float) -> float:
    """Twelve digits: the last ones differ between machines."""
    return float(f"{value:.12g}")


def text_of(rows: list[dict[str, object]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def exact_curve() -> str:
    """24 coefficients, the largest first: no steps; the ninth row from the end is the peak."""
    means = [PEAK * 1.18 ** (k - 15) for k in range(24)]
    rows = [{"beta": 1 / m, "kl": m**2 / 2, "proxy": m, "gold": gold(m)} for m in means]
    return text_of([{key: digits(value) for key, value in row.items()} for row in rows])


def exact_dynamics() -> str:
    """141 rows to step 700, the peak at step 60; what should be a KL of 0 is a little below."""
    rows = []
    for step in range(0, 701, 5):
        m = PEAK * (1 - math.exp(-step / 50)) / (1 - math.exp(-60 / 50))
        kl = m**2 / 2 if step else -2.25e-18
        row = {"step": step, "proxy": digits(m - 0.5), "gold": digits(gold(m)), "kl": digits(kl)}
        rows.append(row)
    return text_of(rows)


def training(name: str) -> str:
    """500 rows of a GRPO log with held-out accuracy now and then, in per cent.

    format_reward: a second reward, for the format, holds the sum up while held-out accuracy falls;
    ``kl_loss`` is 0, not measured.
    kl_collapse: reward and accuracy fall to nothing; ``kl_loss`` is a coefficient times a KL.
    """
    draw = random.Random(name)
    looks = dict(zip(LOOKS, ACCURACY[name], strict=True))
    collapse = name == "kl_collapse"
    rows: list[dict[str, object]] = []
    for step in range(1, 501):
        right = 0.45 * math.exp(-step / 12) if collapse else 0.5
        solved = sum(draw.random() < right for _ in range(8)) / 8
        formed = sum(draw.random() < 1 - math.exp(-step / 20) for _ in range(8)) / 8
        drift = 1e-3 * draw.gauss(0.4, 1) * step if collapse else 0.0
        row: dict[str, object] = {"step": step, "total_steps": 500, "loss": f"{drift:.6f}"}
        row |= {"kl_loss": f"{drift:.6f}", "policy_ratio": f"{1 + drift:.6f}"}
        row["reward_avg"] = f"{solved + (0 if collapse else formed):.6f}"
        if not collapse:
            row["format_reward_avg"] = f"{formed:.6f}"
        row |= {
            "tokens_per_sec": f"{draw.uniform(20, 50):.6f}",
            "avg_response_len": f"{draw.randint(40, 1024):.6f}",
            "adv_avg": "0.000000",
            "adv_std": f"{draw.random():.6f}",
            "entropy_avg": f"{draw.uniform(0.2, 0.6):.6f}",
            "eval_acc": looks.get(step, ""),
        }
        rows.append(row)
    return text_of(rows)


def grades(name: str) -> str:
    """One row a question: A correct, B incorrect, C not attempted."""
    letters = [letter for letter, count in GRADES[name].items() for _ in range(count)]
    random.Random(name).shuffle(letters)
    return text_of(
        [
            {
                "problem": f"Which river flows past the {number}th town, „Ústí“?",
                "target": f"River {number}",
                "predicted_answer": f"River {number if letter == 'A' else number + 1}, I think",
                "grade": letter,
            }
            for number, letter in enumerate(letters)
        ]
    )


def biographies() -> str:
    """One response a line: sentences with facts that people labelled; null where it abstained."""
    draw = random.Random("biographies")
    labels = [label for label, count in FACTS.items() for _ in range(count)]
    draw.shuffle(labels)
    shares = [labels[k :: BIOGRAPHIES - ABSTAINED] for k in range(BIOGRAPHIES - ABSTAINED)]
    lines = []
    for number in range(BIOGRAPHIES):
        asked = {
            "input": f"Question: Tell me a bio of Person {number}.",
            "output": f"Person {number} lived in a town.",
            "topic": f"Person {number}",
            "cat": ["rare", "Europe"],
        }
        lines.append(asked | {"annotations": sentences(shares.pop()) if number % 5 else None})
    return "".join(json.dumps(line) + "\n" for line in lines)


def sentences(labels: list[str]) -> list[dict[str, object]]:
    """Facts four to a sentence, and one sentence without any."""
    bare = {"text": "Well.", "is-relevant": False, "human-atomic-facts": None}
    sentences: list[dict[str, object]] = [bare]
    for start in range(0, len(labels), 4):
        facts = [
            {"text": f"Fact {start + k}.", "label": label}
            for k, label in enumerate(labels[start : start + 4])
        ]
        text = " ".join(str(fact["text"]) for fact in facts)
        sentences.append(
            {
                "text": text,
                "is-relevant": True,
                "model-atomic-facts": [{"text": text}],
                "human-atomic-facts": facts,
            }
        )
    return sentences


def tables() -> dict[str, bytes]:
    """Every file by name; what ends in ``.gz`` is compressed on writing."""
    made = {"exact_curve.csv": exact_curve(), "exact_dynamics.csv": exact_dynamics()}
    made |= {f"{name}.csv": training(name) for name in ACCURACY}
    made |= {f"{name}.csv.gz": grades(name) for name in GRADES}
    made["biographies.jsonl"] = biographies()
    return {name: text.encode() for name, text in made.items()}


def read(name: str) -> bytes:
    """A table's bytes as they lie here, uncompressed."""
    found = (HERE / name).read_bytes()
    return gzip.decompress(found) if name.endswith(".gz") else found


if __name__ == "__main__":
    for name, content in tables().items():
        packed = gzip.compress(content, mtime=0) if name.endswith(".gz") else content
        (HERE / name).write_bytes(packed)
