"""The Sources page asks once which key is which, and reads the store again."""

import json
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.test_runs import command


def test_the_page_asks_for_gold_and_the_run_has_it(server, open_page, tmp_path: Path) -> None:
    log, home = tmp_path / "odd.jsonl", tmp_path / "odd"
    home.mkdir()
    rows = [
        {"run_id": "odd", "step": i, "kl": i / 4, "rm_score": i / 10, "judge": 1 - i / 80,
         "objective/rlhf_reward": 0.5}
        for i in range(60)
    ]  # fmt: skip
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command(home, "import", str(log), "--json", "--proxy", "rm_score", "--project", "maths")
    served = server(home=home)
    view = open_page(f"{served.url}/sources", charts=False)
    page = view.page
    view.says("Not known yet. maths: the unit of the KL and which key is the gold reward")
    page.get_by_role("combobox", name="Proxy reward").click()
    page.get_by_role("option", name="judge", exact=True).wait_for()
    offered = page.get_by_role("option").all_inner_texts()
    assert "judge" in offered and "objective/rlhf_reward" not in offered
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Gold reward").click()
    page.get_by_role("option", name="judge", exact=True).click()
    page.get_by_role("button", name="Keep for this project").click()
    view.says("1 run read again")
    expect(page.get_by_text("Not known yet")).to_have_count(0)
    runs = json.loads(command(home, "list", "--json"))
    assert [(row["run"], row["gold_evaluations"]) for row in runs] == [("odd", 60)]
    verdict = json.loads(command(home, "verdict", "--json", module="analytics"))
    assert verdict[0]["status"] != "unmeasured"
