"""Names from logs are data: Plotly reads a few HTML tags in its texts, so they are taken apart."""

from __future__ import annotations


def plain(name: object, longest: int = 60) -> str:
    """A name as it will be read, with nothing in it that Plotly takes for markup.

    >>> plain("<b>x</b>")
    '‹b›x‹/b›'
    """
    text = str(name).replace("<", "‹").replace(">", "›").replace("&", "＆")
    text = text.replace("%{", "% {").replace("\n", " ")
    return text if len(text) <= longest else text[: longest - 1] + "…"
