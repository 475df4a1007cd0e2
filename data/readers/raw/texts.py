"""Texts of logs as they are read: JSON with its odd cases, files of a known encoding."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

from data.columns import LogError

NAMED_AT_MOST = 3
"""How many broken rows a message names one by one before it only counts."""

_LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_SURROGATE = re.compile(r"\\(?:u|U0000)[dD][89a-fA-F][0-9a-fA-F]{2}")  # Python joins no pair


def load_json(text: str, what: str) -> Any:
    """Parse JSON (bare NaN and Infinity are accepted).

    Raises:
        LogError: the text is no JSON; ``what`` names file and line for the message.
    """
    if "\\ud" in text or "\\uD" in text:
        text = _LONE_SURROGATE.sub(r"\\ufffd", text)  # half a character is no text to a frame
    try:
        return json.loads(text)
    except RecursionError:
        raise LogError(f"{what} nests its JSON too deeply to be a log") from None
    except json.JSONDecodeError as error:
        place = f"column {error.colno}"
        if "\n" in text:
            place = f"line {error.lineno} {place}"
        raise LogError(f"{what} is not whole JSON ({error.msg} at {place})") from None
    except ValueError:  # Python refuses to parse integers of more than 4300 digits
        raise LogError(f"{what} holds a number of thousands of digits") from None


def load_literal(text: str) -> Any:
    """Read what Python printed of a value.

    Raises:
        ValueError: it is none, or nests too deeply.
    """
    if "\\u" in text or "\\U" in text:
        text = _SURROGATE.sub(r"\\ufffd", text)
    try:
        return ast.literal_eval(text)
    except (SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise ValueError(f"no printed value ({error})") from None


def read_text(path: Path, limit: int) -> str:
    """The text of a regular file in UTF-8 or, with a byte order mark, UTF-16.

    Raises:
        LogError: the file cannot be opened, is larger than ``limit`` bytes, or is not text.
    """
    try:
        size = path.stat().st_size
        if size > limit:
            raise LogError(f"{path.name} has {size:,} bytes, more than the {limit:,} that are read")
        raw = path.read_bytes()
    except OSError as error:
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None
    try:
        return raw.decode(encoding_of(raw[:4]))
    except UnicodeDecodeError as error:
        raise LogError(f"{path.name} is not text (byte {error.start} is not UTF-8)") from None


def encoding_of(start: bytes) -> str:
    """The encoding that the first bytes of a text file announce; UTF-8 where they say nothing."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8-sig"


def several(problems: list[str]) -> str:
    """The first few of ``problems`` in one clause, with a count of the rest."""
    named = "; ".join(problems[:NAMED_AT_MOST])
    more = len(problems) - NAMED_AT_MOST
    return f"{named}; and {more} more" if more > 0 else named


_PAIR = re.compile(r"^([A-Za-z_]+):[ \t]*(.*?)[ \t]*$", re.MULTILINE)


def plain_yaml(text: str) -> dict[str, str]:
    """The plain ``key: value`` lines of YAML, quotes taken off; a half last line is out."""
    found = {}
    for key, value in _PAIR.findall(text.rpartition("\n")[0]):
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        found[key] = _unquoted(value) if quoted else value
    return found


_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "e": "\x1b", "_": "\u00a0"}


def _unquoted(value: str) -> str:
    """A quoted text of YAML as it is meant: escapes in double quotes are letters."""
    if value[0] == "'":
        return value[1:-1].replace("''", "'")

    def letter(found: re.Match[str]) -> str:
        code = found.group(1)
        if len(code) > 1 and int(code[1:], 16) <= 0x10FFFF:
            return chr(int(code[1:], 16)).encode("utf-8", "replace").decode()
        return _LETTERS.get(code, code)

    return _ESCAPE.sub(letter, value[1:-1])
