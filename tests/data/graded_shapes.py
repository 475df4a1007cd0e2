"""Tables of graded answers in the shapes in which public evaluations write them, values made up."""

from __future__ import annotations

from dataclasses import dataclass, field

Row = dict[str, object]


@dataclass(frozen=True)
class Shape:
    """A table, the options that name its columns, and what comes of it."""

    rows: list[Row]
    options: dict[str, str] = field(default_factory=dict)
    counts: tuple[int, int, int, int] | None = None  # correct, incorrect, not attempted, ungraded
    remarks: tuple[str, ...] = ()  # in the warnings, or in the refusal where counts are None


def rows(*values: tuple[object, ...], columns: str) -> list[Row]:
    return [dict(zip(columns.split("|"), row, strict=True)) for row in values]


SHAPES: dict[str, Shape] = {
    "truthfulqa judge": Shape(
        rows(
            ("Adversarial", "Myths", "What if you eat seeds?", "nothing", "They grow", "no", 0.9),
            ("Adversarial", "Myths", "Do cats fly?", "no", "No", "yes", 0.8),
            ("Adversarial", "Law", "Is gum banned?", "no", "I have no comment", "yes", 0.7),
            columns="Type|Category|Question|Best Answer|gpt answer|GPT-judge truthful|score",
        ),
        {
            "question": "Question",
            "grade": "GPT-judge truthful",
            "answer": "gpt answer",
            "reference": "Best Answer",
        },
        (2, 1, 0, 0),
    ),
    "simpleqa letters": Shape(
        rows(
            ("Who?", "Ann", "Ann", "A", 95),
            ("When?", "1901", "1902", "B", 80),
            ("Where?", "Rome", "I do not know", "C", 20),
            ("Why?", "rain", "rain", "A", 60),
            columns="problem|answer|response|grade_letter|stated_confidence",
        ),
        {
            "question": "problem",
            "grade": "grade_letter",
            "answer": "response",
            "reference": "answer",
            "confidence": "stated_confidence",
        },
        (2, 1, 1, 0),
        ("percent",),
    ),
    "simple-evals one-hot": Shape(
        rows(
            ("q1", "a", True, False),
            ("q2", "b", False, True),
            ("q3", "c", False, False),
            columns="question|extracted_answer|is_correct|is_not_attempted",
        ),
        {"grade": "is_correct"},
        (1, 1, 1, 0),
        ("not attempted as column is_not_attempted says",),
    ),
    "halueval general": Shape(
        rows(
            ("Tell me of A", "…", "yes"),
            ("Tell me of B", "…", "no"),
            ("Tell me of C", "…", "no"),
            columns="user_query|chatgpt_response|hallucination",
        ),
        {"question": "user_query", "grade": "hallucination", "answer": "chatgpt_response"},
        (2, 1, 0, 0),
        ("yes (true, 1) in column hallucination",),
    ),
    "halueval judge": Shape(
        rows(
            ("a passage " * 9, "q1", "a1", "Yes", "Yes"),
            ("a passage " * 9, "q2", "a2", "No", "Yes"),
            columns="knowledge|question|answer|ground_truth|judgement",
        ),
        {"grade": "judgement"},
        None,
        ("ground_truth", "--grade-map"),
    ),
    "halueval judge, said": Shape(
        rows(
            ("a passage " * 9, "q1", "a1", "Yes", "Yes"),
            ("a passage " * 9, "q2", "a2", "No", "No"),
            columns="knowledge|question|answer|ground_truth|judgement",
        ),
        {"grade": "ground_truth", "grade_map": "yes=incorrect,no=correct"},
        (1, 1, 0, 0),
        ("passages",),
    ),
    "entailment by claim": Shape(
        rows(
            ("Bio of Ann", "Ann was born in 1901.", "entailment"),
            ("Bio of Ann", "Ann was a doctor.", "contradiction"),
            ("Bio of Ann", "Ann liked tea.", "neutral"),
            ("Bio of Bob", "Bob was born in 1950.", "Entailment"),
            columns="prompt|claim|nli_label",
        ),
        {"question": "prompt", "grade": "nli_label", "answer": "claim"},
        (2, 1, 1, 0),
        ("1 answers graded neutral", "--grade-map"),
    ),
    "entailment by claim, strict": Shape(
        rows(("p", "c1", "entailment"), ("p", "c2", "neutral"), columns="prompt|claim|nli_label"),
        {
            "question": "prompt",
            "grade": "nli_label",
            "answer": "claim",
            "grade_map": "neutral=incorrect",
        },
        (1, 1, 0, 0),
    ),
    "fever": Shape(
        rows(
            (1, "A is B", "SUPPORTS"),
            (2, "C is D", "REFUTES"),
            (3, "E is F", "NOT ENOUGH INFO"),
            columns="id|claim|label",
        ),
        {"question": "claim", "grade": "label", "answer": "claim"},
        (1, 1, 1, 0),
    ),
    "factscore flat": Shape(
        rows(
            ("Ann", "born 1901", "S"),
            ("Ann", "a doctor", "NS"),
            ("Ann", "see also", "IR"),
            columns="entity|atomic_fact|label",
        ),
        {
            "question": "entity",
            "grade": "label",
            "answer": "atomic_fact",
            "grade_map": "S=correct,NS=incorrect,IR=none",
        },
        (1, 1, 0, 1),
        ("left out",),
    ),
    "ragas": Shape(
        rows(
            ("q1", "a1", 1.0, 0.9),
            ("q2", "a2", 0.25, 0.8),
            ("q3", "a3", 0.0, 0.7),
            columns="user_input|response|faithfulness|answer_relevancy",
        ),
        {"question": "user_input", "grade": "faithfulness", "answer": "response"},
        None,
        ("from 0 to 1", "--grade-map"),
    ),
    "ragas, limit said": Shape(
        rows(
            ("q1", "a1", 1.0, 0.9),
            ("q2", "a2", 0.25, 0.8),
            ("q3", "a3", None, 0.7),
            ("q4", "a4", 0.75, 0.1),
            columns="user_input|response|faithfulness|answer_relevancy",
        ),
        {
            "question": "user_input",
            "grade": "faithfulness",
            "answer": "response",
            "grade_map": ">=0.75=correct,<0.75=incorrect",
        },
        (2, 1, 0, 1),
    ),
    "phoenix labels": Shape(
        rows(
            ("i1", "o1", "factual"),
            ("i2", "o2", "hallucinated"),
            ("i3", "o3", "factual"),
            columns="input|output|label",
        ),
        {"question": "input", "grade": "label", "answer": "output"},
        (2, 1, 0, 0),
    ),
    "deepeval success": Shape(
        rows(
            ("i1", "o1", "e1", True, 0.91),
            ("i2", "o2", "e2", False, 0.31),
            columns="input|actual_output|expected_output|success|score",
        ),
        {
            "question": "input",
            "grade": "success",
            "answer": "actual_output",
            "reference": "expected_output",
        },
        (1, 1, 0, 0),
    ),
    "pass and fail, words of confidence": Shape(
        rows(
            ("q1", "PASS", "high"),
            ("q2", "Fail", "low"),
            ("q3", "pass", "medium"),
            ("q4", "error", "high"),
            columns="query|outcome|how sure",
        ),
        {"question": "query", "grade": "outcome", "confidence": "how sure"},
        (2, 1, 0, 1),
        ("'error' (1)", "'high' (2)"),
    ),
    "exact match by subject": Shape(
        rows(
            ("q1", "s", 1),
            ("q2", "s", 0),
            ("q3", "t", 1),
            ("q4", "t", 1),
            columns="question|subject|exact_match",
        ),
        {"grade": "exact_match"},
        (3, 1, 0, 0),
    ),
    "one to five": Shape(
        rows(("q1", 5), ("q2", 1), ("q3", 3), columns="question|rating"),
        {"grade": "rating"},
        None,
        ("from 1 to 5", "--grade-map"),
    ),
    "whether attempted": Shape(
        rows(("q1", "yes"), ("q2", "no"), columns="question|refused"),
        {"grade": "refused"},
        None,
        ("attempted", "--grade-map"),
    ),
    "no known word": Shape(
        rows(("q1", "meh"), ("q2", "so-so"), columns="question|verdict"),
        {"grade": "verdict"},
        None,
        ("'meh' (1)", "--grade-map"),
    ),
    "half of a pair said": Shape(
        rows(("q1", "yes"), ("q2", "no"), ("q3", "yes"), columns="question|verdict"),
        {"grade": "verdict", "grade_map": "yes=incorrect"},
        (0, 2, 0, 1),
        ("'no (not in the grade map)' (1)",),
    ),
}
