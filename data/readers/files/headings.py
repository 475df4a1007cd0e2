"""The heading of a table of text: what stands above it, what parts its columns, their names."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data.columns import LogError
from data.readers.files.blocks import MAX_COLUMNS
from data.readers.names.mapping import folded
from data.words.formulas import unguarded_text

_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_ROLES = frozenset({
    "step", "kl", "proxyreward", "goldreward", "reward", "proxy", "gold", "rewardmean",
    "responselength", "globalstep",
})  # fmt: skip
"""Names of columns, as ``folded``, that no group of columns has."""
_BLANKS = re.compile(rb"[ \t]+")
ODD, SURE = "^~¦§\x01\x1f\x1e!@&:", 7
"""Single characters that part columns where none of the usual ones does; how many of them do so
also among blanks, because no name of a metric holds them."""
_RULE = re.compile(rb"^\|?[ \t]*:?-+:?[ \t]*(\|[ \t]*:?-+:?[ \t]*)*\|?$")
TITLES = 20
"""Lines above a heading that may be titles and notes."""
BLANKS = " "
"""Stands for any number of blanks between columns."""


@dataclass(frozen=True)
class Heading:
    """The first lines of a table: how many there are, and the text of the one with the names."""

    lines: int
    text: str
    delimiter: str
    remarks: tuple[str, ...] = ()  # comments and titles above it


def found(block: bytes) -> tuple[Heading, bytes]:
    """The heading at the start of a table, and what follows its line.

    Blank lines, comments and a spreadsheet's ``sep=;`` may stand above it; without any other line
    of names the last comment is it. Without a heading its text is empty.
    """
    rest, number, delimiter, comment = block, 0, "", ""
    remarks: list[str] = []
    while rest:
        line, _, after = rest.partition(b"\n")
        text = line.decode("utf-8", "replace").strip("\r")
        number += 1
        if separator := _SEPARATOR.fullmatch(text.strip()):
            delimiter = separator.group(1)
        elif text.startswith(("#", '"#')):
            comment = text.strip('"')
            remarks.append(comment)
        elif text.strip():
            if comment and not re.search(r"[A-Za-z]{2}", text):  # numbers already
                above, comment = tuple(remarks[:-1]), comment.lstrip("# ")
                return Heading(number - 1, comment, delimiter or _delimiter(comment), above), rest
            if delimiter or number > TITLES or not _is_title(text, after[: 1 << 16]):
                mark = delimiter or _delimiter(text)
                return Heading(number, text, mark, tuple(remarks)), after
            remarks.append(text)
        rest = after
    return Heading(number, "", ",", tuple(remarks)), b""


def unmarked(heading: Heading, after: bytes) -> Heading | None:
    """The heading of a Markdown table without the marks around it; None where it is none.

    Its lines are then to be read ``unframed``.
    """
    bare = heading.text.strip()
    framed = len(bare) > 2 and bare.startswith("|") and bare.endswith("|")
    rule = _RULE.match(after.partition(b"\n")[0].strip()) is not None
    if not framed and not ("|" in bare and rule):
        return None
    return replace(heading, text=unframed(bare.encode()).decode(), delimiter="|")


def unframed(block: bytes) -> bytes:
    """Lines of a Markdown table without the marks around them; its rule is empty.

    A mark inside a cell, which is written with a stroke before it, is no border.
    """
    lines = []
    for line in block.split(b"\n"):
        bare = line.strip()
        if _RULE.match(bare):
            bare = b""
        lines.append(b"|".join(c.strip() for c in bare.removeprefix(b"|").removesuffix(b"|").split(
            b"|")))  # fmt: skip
    return b"\n".join(lines)


def _is_title(text: str, after: bytes) -> bool:
    """Whether a line names the table, or says something of it, and a later one its columns."""
    below = _next_line(after)
    mark = max(",;\t|", key=below.count)
    names = [cell.strip() for cell in below.strip("| ").split(mark)]
    filled = [cell for cell in text.split(mark) if cell.strip()]
    return (
        '"' not in text and len(filled) == 1 and len(names) > 1
        and all(re.search(r"[A-Za-z]", name) for name in names)
    )  # fmt: skip


def _next_line(after: bytes) -> str:
    """The first line that may be one of names: of several cells, or without a word."""
    for line in after.split(b"\n")[:TITLES]:
        text = line.decode("utf-8", "replace").strip("\r")
        filled = [cell for cell in re.split(r"[,;\t|]", text) if cell.strip()]
        if text.startswith("#") or not filled:
            continue
        if len(filled) > 1 or '"' in text or not re.search(r"[A-Za-z]{2}", text):
            return text
    return ""


def is_table(path: Path) -> bool:
    """Whether a text file starts with a heading and a row of as many cells, numbers among them."""
    try:
        with path.open("rb") as file:
            start = file.read(1 << 14)
        if start.startswith((b"\xff\xfe", b"\xfe\xff")):
            start = start[: len(start) // 2 * 2].decode("utf-16", "replace").encode()
        heading, rest = found(start)
        if (bare := unmarked(heading, rest)) is not None:
            heading, rest = bare, unframed(rest).lstrip(b"\n")
        given = names(path.name, heading.lines, heading)
    except (OSError, LogError, csv.Error, StopIteration):
        return False
    line = rest.partition(b"\n")[0].decode("utf-8", "replace").strip("\r")
    row = line.split() if heading.delimiter == BLANKS else line.split(heading.delimiter)
    words = heading.text.split(None if heading.delimiter == BLANKS else heading.delimiter)
    if len({word.strip() for word in words}) < len(given):
        return False  # a text, in which words stand again
    return len(row) == len(given) > 1 and any(re.fullmatch(r"\s*-?[\d.,]+", cell) for cell in row)


def _delimiter(text: str) -> str:
    best = max(",;\t|", key=text.count)
    if text.count(best) or '"' in text:
        return best
    odd = max(ODD[:SURE] if len(text.split()) > 1 else ODD, key=text.count)
    if text.count(odd) and all(cell.strip() for cell in text.split(odd)):
        return odd
    return BLANKS if len(text.split()) > 1 else best


def under(heading: Heading, after: bytes) -> tuple[list[str], bytes] | None:
    """The names of a heading of two rows, and what follows them; None where it has one."""
    if heading.delimiter == BLANKS or '"' in heading.text:
        return None
    line, _, rest = after.partition(b"\n")
    second = line.decode("utf-8", "replace").strip("\r")
    found = joined_rows(heading.text.split(heading.delimiter), second.split(heading.delimiter))
    return (found, rest) if found else None


def names(file: str, line: int, heading: Heading) -> list[str]:
    """The names of the columns.

    Raises:
        LogError: they are no names, or are too many.
    """
    if heading.delimiter == BLANKS:
        return checked(file, line, heading.text.split())
    return checked(file, line, next(csv.reader([heading.text], delimiter=heading.delimiter)))


def joined_rows(first: Sequence[str], second: Sequence[str]) -> list[str] | None:
    """The names that two rows of a heading make together; None where they are no such rows.

    They are where the first names groups (``train``, ``kl``) over several columns, and the second
    says which is which (``kl``, ``mean``): a group without a word of its own is the one before.

    >>> joined_rows(["", "train", "train", "eval"], ["step", "kl", "proxy_reward", "gold_reward"])
    ['step', 'train/kl', 'train/proxy_reward', 'eval/gold_reward']
    """
    above, below = ([cell.strip().strip('"') for cell in row] for row in (first, second))
    if len(above) != len(below) or len(above) < 2 or not any(below):
        return None
    if any(re.match(r"^[-+\u2212]?[\d.,]*\d\S*$", cell) for cell in below):
        return None
    repeated = len(set(filter(None, above))) < len([cell for cell in above if cell])
    ours = sum(bool(_ROLES & {folded(cell)}) for cell in below)
    if not repeated and (ours < 2 or any(_ROLES & {folded(cell)} for cell in above)):
        return None
    joined, group = [], ""
    for top, cell in zip(above, below, strict=True):
        group = top or group
        joined.append("/".join(part for part in (group, cell) if part))
    return joined if len(set(joined)) == len(joined) else None


def checked(file: str, line: int, given: list[str]) -> list[str]:
    """Names without blanks around them; columns without a name, or with another's, are numbered.

    >>> checked("t.csv", 1, ["step", " loss", "loss", ""])
    ['step', 'loss', 'loss (2)', 'column 4']

    Raises:
        LogError: they are no names, or are too many.
    """
    named = [unguarded_text(name.strip()).strip() for name in given]
    if any(not name.isprintable() or "\ufffd" in name for name in named):
        raise LogError(f"{file} line {line} is not text, so it is no header of a table")
    there = set(named)
    for place, name in enumerate(named):
        if not name:
            numbered = f"column {place + 1}"
            named[place] = numbered + " " * (numbered in there)
    if len(named) > MAX_COLUMNS:
        raise LogError(f"{file} line {line} names {len(named)} columns; {MAX_COLUMNS} are read")
    return _once(named)


def _once(named: list[str]) -> list[str]:
    """Names of which each stands once: a later one of a name has its number after it."""
    if len(set(named)) == len(named):
        return named
    given, taken = set(named), dict[str, int]()
    once: dict[str, None] = {}
    for name in named:
        free = name
        while free in once or (free != name and free in given):
            taken[name] = taken.get(name, 1) + 1
            free = f"{name} ({taken[name]})"
        once[free] = None
    return list(once)


def tabbed(block: bytes) -> bytes:
    """Lines whose columns are parted by blanks, with tabs instead."""
    return b"\n".join(_BLANKS.sub(b"\t", line.strip()) for line in block.split(b"\n"))
