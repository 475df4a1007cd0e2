"""axe-core's findings on an opened page, apart from those that are Streamlit's own.

`axe/axe.min.js` is axe-core 4.14.1 as npm has it (MPL-2.0, see its head and `axe/LICENSE`), kept
here so that the tests need no network; its source: https://github.com/dequelabs/axe-core.
"""

from __future__ import annotations

from pathlib import Path

from tests.browser.view import View

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
STREAMLITS = {
    ("list", '[data-testid="stSidebarNavItems"]'): (
        "the menu's sections are <div> within its one <ul>"
    ),
    ("listitem", '[data-testid="stSidebarNavItems"] li'): (
        "the menu's links are <li> within those <div>"
    ),
    ("presentation-role-conflict", '[data-testid="stFileUploaderDropzone"]'): (
        "the place for dropped files has role=presentation and a name of its own"
    ),
}
"""What Streamlit writes and a page cannot change: (rule, selector) to the reason."""

STILL = "*, *::before, *::after {transition: none !important; animation: none !important}"
"""A colour on its way to the other theme is nobody's."""
RUN = """async (known) => {
  const found = await axe.run(document, {resultTypes: ['violations'], elementRef: true});
  return found.violations.flatMap(rule => rule.nodes.map(({element, html, any, all}) => {
    const {id, impact} = rule;
    const theirs = known.find(([name, at]) => name === id && element?.matches(at));
    const why = [...any, ...all].map(check => check.message).join('; ');
    return {theirs, said: `${id} (${impact}) at ${html.slice(0, 160)}: ${why.slice(0, 240)}`};
  }));
}"""


def findings(view: View) -> tuple[list[str], set[tuple[str, str]]]:
    """What axe-core finds on a page: ours in words, and the rows of ``STREAMLITS`` that it met."""
    if not view.page.evaluate("typeof axe === 'object'"):
        view.page.evaluate(AXE)
        view.page.add_style_tag(content=STILL)
    found = view.page.evaluate(RUN, [list(row) for row in STREAMLITS])
    theirs = {(row["theirs"][0], row["theirs"][1]) for row in found if row["theirs"]}
    return sorted({row["said"] for row in found if not row["theirs"]}), theirs
