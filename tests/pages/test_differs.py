"""Two runs beside each other: gold at equal KL in a sentence, settings that differ first."""

from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

RUN = "runs/overoptimization.py"


def log(folder: Path, name: str, lift: float, head: str = "gold_reward") -> Path:
    path = folder / f"{name}.csv"
    rows = "".join(f"{name},{i},{i / 4},{i / 5},{i / 10 + lift},0.05\n" for i in range(30))
    path.write_text(f"run_id,step,kl,proxy_reward,{head},{head}_se\n" + rows)
    return path


def test_two_runs_are_compared_at_equal_kl(
    open_script: Callable[..., AppTest], tmp_path: Path
) -> None:
    files = [log(tmp_path, "base", 0.0), log(tmp_path, "lifted", 1.0)]
    page = open_script(RUN, *files, run=["base", "lifted"])
    assert not page.exception
    sentence = next(m.value for m in page.markdown if "largest that both reached" in m.value)
    assert "gold of lifted is 1" in sentence and "above that of base" in sentence
    assert any(m.value == "No logged setting differs." for m in page.markdown)
    turned = open_script(RUN, run=["lifted", "base"])
    assert any("gold of base is 1" in m.value and "below" in m.value for m in turned.markdown)


def test_gold_of_two_measures_is_not_compared(
    open_script: Callable[..., AppTest], tmp_path: Path
) -> None:
    files = [log(tmp_path, "base", 0.0), log(tmp_path, "other", 1.0, "gold_score")]
    page = open_script(RUN, *files, run=["base", "other"])
    assert any("do not name one measure of gold" in m.value for m in page.markdown)
