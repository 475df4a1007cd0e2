"""Text in a terminal: what logs hold is shown there, and never steers it.

An escape sequence in a name could recolour, move or overwrite what a terminal shows, and a mark
that turns the direction of text could disguise it. They are written as escapes that can be read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_STEERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters but tab and line end, unseen marks, and halves of characters."""
LONGEST_NAME = 80
LONGEST = 2_000


def visible(text: str) -> str:
    r"""Text with what would steer a terminal as escapes.

    >>> print(visible("\x1b[31mred\x07\u202e"))
    \x1b[31mred\x07\u202e
    """
    return _STEERS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(text: object, longest: int = LONGEST_NAME) -> str:
    """A name or a sentence where one line is there for it: visible, without line ends, cut.

    >>> one_line("a\\nb"), one_line("a" * 99, 8)
    ('a b', 'aaaaaaa…')
    """
    line = visible(str(text).replace("\n", " ").replace("\t", " "))
    return line if len(line) <= longest else line[: longest - 1] + "…"


class Terminal(Console):
    """A console whose every piece of text is visible, whoever made it."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Segments as Rich makes them; its own control codes stay."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)


class Shown:
    """A stream that is written to in visible text; a character it cannot hold is an escape too."""

    def __init__(self, stream: IO[str]) -> None:
        """``stream`` gets the text."""
        self._stream = stream
        self.rich_proxied_file = stream  # a Terminal writes its colours past this one

    def write(self, text: str) -> int:
        """Write ``text``; how long it was."""
        coding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(visible(text).encode(coding, "backslashreplace").decode(coding))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of them."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """What else a stream has."""
        return getattr(self._stream, name)


@contextmanager
def shown() -> Iterator[None]:
    """Meanwhile standard output and error show what would steer a terminal."""
    kept = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Shown(kept[0]), Shown(kept[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = kept
