"""A fingerprint follows the code that makes a result: all of it, and nothing else."""

import ast
from dataclasses import fields
from pathlib import Path

import pytest

from analytics.comparing.verdict_frames import VerdictFrames
from analytics.computing import fingerprint
from analytics.computing.fingerprint import closure, code, questions, with_questions
from analytics.kept_verdicts.verdicts import GROWING_FACTS
from data.database.questions import meaning

FILES = {
    "analytics/__init__.py": "",
    "analytics/judge.py": (
        '"""Says."""\nfrom analytics.part import one\nfrom analytics import other\nimport json\n'
        "def ask(query):\n    from analytics.late import told\n    return query('gold', run=1)\n"
    ),
    "analytics/part/__init__.py": "from analytics.unused import none\n",
    "analytics/part/one.py": "from . import two\nLIMIT = 3\n",
    "analytics/part/two.py": "def f(x):\n    '''Does.'''\n    return x + 1  # why\n",
    "analytics/other.py": "",
    "analytics/late.py": "told = 1\n",
    "analytics/unused.py": "none = 1\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for file, text in FILES.items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def now(root: Path, answers: str = "select 1") -> str:
    for cached in (code, with_questions):
        cached.cache_clear()
    return with_questions("analytics.judge", lambda _: answers, root)


def test_the_closure_is_what_is_imported(root: Path) -> None:
    assert list(closure("analytics.judge", root)) == [
        f"analytics.{name}" for name in ("judge", "late", "other", "part.one", "part.two")
    ]
    assert questions("analytics.judge", root) == ["gold"]
    with pytest.raises(ValueError, match="there is no module"):
        closure("analytics.nothing", root)


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("analytics/part/two.py", "# why", "# because"),
        ("analytics/part/two.py", "'''Does.'''", "'''Does it all.'''"),
        ("analytics/part/two.py", "x + 1", "(x   +   1)"),
        ("analytics/judge.py", '"""Says."""', ""),
        ("analytics/unused.py", "none = 1", "none = 2"),
    ],
)
def test_words_layout_and_other_modules_change_nothing(
    root: Path, file: str, before: str, after: str
) -> None:
    first = now(root)
    path = root / file
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    assert now(root) == first


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("analytics/part/two.py", "x + 1", "x + 2"),
        ("analytics/part/one.py", "LIMIT = 3", "LIMIT = 4"),
        ("analytics/late.py", "told = 1", "told = 2"),
        ("analytics/judge.py", "run=1", "run=2"),
    ],
)
def test_code_changes_it(root: Path, file: str, before: str, after: str) -> None:
    first = now(root)
    path = root / file
    path.write_text(path.read_text().replace(before, after))
    assert now(root) != first


def test_a_question_that_means_something_else_changes_it(root: Path) -> None:
    assert now(root, "select 1") != now(root, "select 2")


def test_verdicts_are_made_by_all_that_judges_and_by_nothing_that_draws() -> None:
    made_by = set(closure("analytics.kept_verdicts.verdicts"))
    assert {
        "analytics.onset.alarm.siblings", "analytics.onset.evidence.measurements",
        "analytics.comparing.label_free", "analytics.comparing.components",
        "analytics.onset.judging.verdict_row",
    } <= made_by  # fmt: skip
    assert not any(
        "plotly" in file.read_text()
        for file in closure("analytics.kept_verdicts.verdicts").values()
    )
    assert (
        "analytics.quality.detection" not in made_by
        and "analytics.kept_verdicts.judging" not in made_by
    )


def test_what_is_asked_is_named_by_the_code() -> None:
    rows = {field.name for field in fields(VerdictFrames)} - {"ensembles"}
    assert questions("analytics.kept_verdicts.verdicts") == sorted(
        {*rows, "member_keys", "disagreement"}
    )
    for name in questions("analytics.kept_verdicts.verdicts"):
        assert "select" in meaning(name)


def test_a_question_means_its_rollups_too_and_no_comment() -> None:
    assert "insert into prompt_rewards" in meaning("prompts")
    assert "avg(gold_reward)" in meaning("prompts")
    assert "insert into" not in meaning("trajectory")
    assert "--" not in meaning("gold") and "pooled_curve" not in meaning("gold")


def test_no_judgement_reads_a_fact_that_grows_with_the_log() -> None:
    for name, file in closure("analytics.kept_verdicts.verdicts").items():
        constants = {node.value for node in ast.walk(ast.parse(fingerprint.bare(file.read_text())))
                     if isinstance(node, ast.Constant)}  # fmt: skip
        if name != "analytics.kept_verdicts.verdicts":
            assert not constants & set(GROWING_FACTS), name


def test_bare_code_runs_as_before() -> None:
    text = "class A:\n    '''doc'''\n\ndef f():\n    '''doc'''\nX = 1\n'''about X'''\n"
    assert fingerprint.bare(text) == "class A:\n    pass\n\ndef f():\n    pass\nX = 1"
