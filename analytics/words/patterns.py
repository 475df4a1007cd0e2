"""What is wrong with a regular expression, in our own words whichever engine refused it."""

from __future__ import annotations

import re
import warnings

from analytics.wording import whole

_ELSEWHERE = (
    (re.compile(r"\(\?<?[=!]"), "it looks ahead or behind at character {}"),
    (re.compile(r"\\[1-9]|\(\?P="), "it refers back to a group at character {}"),
    (re.compile(r"\(\?>"), "it has an atomic group at character {}"),
)
"""What other kinds of expressions know; the time of ours grows with the text alone."""
_FAULTS = {
    "missing ), unterminated subpattern": "the parenthesis at character {} is not closed",
    "unbalanced parenthesis": "the parenthesis at character {} closes none",
    "unterminated character set": "the bracket at character {} is not closed",
    "nothing to repeat": "there is nothing to repeat before character {}",
    "multiple repeat": "a repeat is repeated at character {}",
    "bad character range": "the range at character {} runs backwards",
    "min repeat greater than max repeat": "the repeat at character {} has its least above its most",
    "bad escape": "the sign behind the backslash at character {} stands for nothing",
    "unknown extension": "what follows “(?” at character {} is not known",
    "missing": "the group at character {} has no whole name",
}
"""By how Python's own message begins, which is more telling than other engines' positions."""
MOST_REPEATS = 1_000
"""Times that a part of an expression may be asked for, one repeat in another multiplied (RE2's)."""
_PARTS = re.compile(
    r"\\[pPx]\{[^}]*\}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<open>\()|(?P<close>\))"
    r"|\{(?P<least>\d+)(?:,(?P<most>\d*))?\}|[?*+]|.",
    re.DOTALL,
)
_REST = "it is too large, or holds what only other kinds of expressions know"


def repeats(pattern: str) -> str | None:
    """Why an expression asks too much by its repeats: half a sentence; None where it does not.

    What it costs grows with them, not with the text alone.

    >>> repeats("a{1,100000}"), repeats("(?:ab{1,100}){20} c{9}")
    ('it asks for something 100,000 times at character 2 (at most 1,000)', \
'it asks for something 2,000 times at character 14 (at most 1,000)')
    >>> repeats(r"\\{9999} [{9999}] x{999}.{999}")
    """
    inside, last = [1], 1
    for part in _PARTS.finditer(pattern):
        if part["open"]:
            inside.append(1)
        elif part["close"] and len(inside) > 1:
            last = inside.pop()
            inside[-1] = max(inside[-1], last)
        elif part["least"]:
            last *= max(int(part["least"][:9]), int((part["most"] or "")[:9] or 0), 1)
            inside[-1] = max(inside[-1], last)
            if last > MOST_REPEATS:
                return (f"it asks for something {whole(last)} times at character "
                        f"{whole(part.start() + 1)} (at most {whole(MOST_REPEATS)})")  # fmt: skip
        elif part[0] not in "?*+":
            last = 1
    return None


def fault(pattern: str) -> str:
    """Why an expression that was refused cannot be read: half a sentence.

    >>> fault("(a"), fault("a(?=b)")
    ('the parenthesis at character 1 is not closed', 'it looks ahead or behind at character 2, \
which is not known here')
    >>> fault("(a{1000}){1000}")
    'it is too large, or holds what only other kinds of expressions know'
    """
    bare = re.sub(r"\\\\", "..", pattern)
    bare = re.sub(r"\\[^1-9]", "..", bare)
    for found, sentence in ((sign.search(bare), sentence) for sign, sentence in _ELSEWHERE):
        if found:
            return f"{sentence.format(whole(found.start() + 1))}, which is not known here"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except re.error as error:
        for begin, sentence in _FAULTS.items():
            if error.msg.startswith(begin):
                return sentence.format(whole((error.pos or 0) + 1))
    except (RecursionError, OverflowError, MemoryError):
        pass
    return _REST
