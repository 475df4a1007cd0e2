"""Notes as HTML: the one door for what people write, on pages and in documents alike.

CommonMark without HTML and without pictures: raw tags are shown as they were written, a link leads
to http(s), mail or a view of this program, and nothing asks another machine for anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_TARGET = re.compile(r"(https?://|mailto:|/(?!/))", re.IGNORECASE)
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, marks that turn the direction of text, halves of characters."""
LONGEST = 20_000


def note_html(text: str) -> str:
    """What somebody wrote as HTML of ours, cut where it is longer than LONGEST.

    >>> note_html("**a** <b>")
    '<p><strong>a</strong> &lt;b&gt;</p>'
    >>> note_html("[x](javascript:alert(1))")
    '<p>[x](javascript:alert(1))</p>'
    """
    whole = UNSEEN.sub("", text)
    whole = whole if len(whole) <= LONGEST else whole[: LONGEST - 1] + "…"
    try:
        made: str = _parser().render(whole)
    except (RecursionError, ValueError, IndexError):  # whatever a text does to a parser
        return f"<p>{escape(whole)}</p>"
    return made.strip()


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=_Renderer)
    parser.disable(["image", "html_block", "html_inline"])
    parser.validateLink = lambda url: bool(_TARGET.match(url.strip()))  # type: ignore[method-assign]
    return parser


class _Renderer(RendererHTML):
    """A link tells its target nothing; a heading is no heading of the page."""

    def link_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        tokens[idx].attrSet("rel", "noopener noreferrer nofollow")
        tokens[idx].attrSet("target", "_blank")
        return self.renderToken(tokens, idx, options, env)

    def heading_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return "<p><strong>"

    def heading_close(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return "</strong></p>\n"
