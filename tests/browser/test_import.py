"""From an empty store to the curve, as a new user goes: a table with headings nobody knows."""

import math
from pathlib import Path

from playwright.sync_api import Page, expect

HEADS = ("Opt. Schritt #", "Drift v. Start (KL!) $x$", "RM | avg.", "<b>Jury</b> [*]", "Länge/Tok")
LABELS = ("Step", "KL from the initial policy", "Proxy reward", "Gold reward",
          "Response length, tokens")  # fmt: skip


def awkward(folder: Path) -> Path:
    """KL in nats per token over 200 tokens; gold is d (2.3 - d/2): it peaks at 5.3 nats."""
    lines = [";".join(HEADS)]
    for i in range(120):
        d = 6.3 * i / 119
        noise = 0.05 * math.sin(37.0 * i)
        lines.append(f"{10 * i};{d * d / 200:.6f};{d:.4f};{d * (2.3 - d / 2) + noise:.4f};200")
    path = folder / "Lauf <i>7<i> & *final*.csv"
    path.write_text("\n".join(lines))
    return path


def choose(page: Page, label: str, option: str) -> None:
    box = page.get_by_role("combobox", name=label, exact=False)
    box.click()
    page.get_by_role("option", name=option, exact=True).click()
    expect(box).to_have_value(option)


def test_an_unknown_table_becomes_a_curve(server, open_page, tmp_path: Path) -> None:
    home = tmp_path / "empty"
    home.mkdir()
    view = open_page(server(home=home).url, charts=False)
    page = view.page
    view.says("The store is empty").fits()
    page.locator('input[type="file"]').set_input_files(awkward(tmp_path))
    view.says("Nothing could be read", "Which column is which").fits()
    for label, head in zip(LABELS, HEADS, strict=True):
        choose(page, label, head)
    view.says("is unknown", "As nats/token it goes from 0 to 39.69 nats per response")
    choose(page, "Unit of that KL", "nats/token")
    view.says("KL (as stated): nats/token").fits()
    page.get_by_role("button", name="Import 1 run").click()
    view.says("Imported: 1 run")
    page.get_by_role("link", name="Lauf <i>7<i> & *final*").first.click()
    view.says("is past its gold peak", "Lauf <i>7<i> & *final*")
    assert view.charts()
    assert not list((home / "tmp").glob("upload-*"))
