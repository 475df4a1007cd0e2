"""Parts of a document that a script writes, each between two marks."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def rewritten(text: str, kind: str, parts: Mapping[str, Callable[[], str]]) -> str:
    """A document with each part between its marks made anew.

    Args:
        text: the document, with ``<!-- KIND: NAME -->`` and ``<!-- end of NAME -->`` around a part.
        kind: what the parts are.
        parts: what makes each, by name.

    Raises:
        ValueError: a mark is missing.
    """
    for name, make in parts.items():
        begin, end = f"<!-- {kind}: {name} -->", f"<!-- end of {name} -->"
        if begin not in text or end not in text:
            raise ValueError(f"the document has no place {begin} … {end}")
        head, rest = text.split(begin, 1)
        text = f"{head}{begin}\n{make()}\n{end}{rest.split(end, 1)[1]}"
    return text
