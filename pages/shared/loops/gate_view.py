"""The gate's blocks as HTML of our own: every text of logs and people is escaped here."""

from __future__ import annotations

import re
from html import escape

from analytics.gate.blocks.checks import Check
from analytics.gate.result.verdict import Block, Gate

LOOKS = {
    "PASS": ("#009E73", "✓"),
    "FAIL": ("#CC3311", "✗"),
    "NOT SHOWN": ("#E69F00", "?"),
    "NOT MEASURED": ("#7F7F7F", "–"),
    "WAIVED": ("#7F7F7F", "w"),
}
"""Result to (colour, sign); the word always stands beside them."""

_STYLE = """
<style>
.gate {font-size:.94rem; line-height:1.4}
.gate .block {border-top:1px solid rgba(128,128,128,.3); padding:.7rem 0; display:grid;
  grid-template-columns:minmax(8.5rem,.7fr) minmax(9rem,.8fr) 4fr; column-gap:1.2rem}
.gate b {font-weight:600}
.gate .sign {display:inline-block; width:1.35rem; height:1.35rem; line-height:1.35rem;
  border-radius:50%; color:#fff; text-align:center; font-weight:700; margin-right:.5rem;
  font-size:.85rem}
.gate p {margin:0 0 .25rem 0; overflow-wrap:anywhere}
.gate a {color:inherit; text-decoration:none; border-bottom:1.5px solid rgba(128,128,128,.6)}
.gate a:hover {border-bottom-color:currentColor}
.gate details summary {cursor:pointer; opacity:.8; font-size:.86rem}
.gate details p {font-size:.88rem; margin:.35rem 0 0 0}
@media (max-width: 700px) {.gate .block {display:block} .gate .block > div {margin-bottom:.3rem}}
</style>
"""


def blocks(gate: Gate) -> str:
    """HTML of the six blocks, each with its reason, its evidence and all of its checks."""
    return f'{_STYLE}<div class="gate">{"".join(_block(block) for block in gate.blocks)}</div>'


def _block(block: Block) -> str:
    name = escape(block.name.replace("_", " ").capitalize())
    others = "".join(_check(check) for check in block.checks)
    evidence = block.telling.evidence if block.telling else ""
    link = f'<p><a href="{escape(evidence)}" target="_self">evidence</a></p>' if evidence else ""
    return (
        f'<div class="block"><div><b>{name}</b></div><div>{result(block.result)}</div>'
        f"<div><p>{_worded(block.reason)}</p>{link}<details><summary>{len(block.checks)} checks"
        f"</summary>{others}</details></div></div>"
    )


def _check(check: Check) -> str:
    name = escape(check.name.replace("_", " "))
    return f"<p>{result(check.result)}, {name}: {_worded(check.reason)}</p>"


def _worded(text: str) -> str:
    """A sentence with the names of tables and columns set as such."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


def result(word: str) -> str:
    """A result: colour, sign, and the word."""
    colour, sign = LOOKS[word]
    return f'<span class="sign" style="background:{colour}">{sign}</span>{escape(word)}'
