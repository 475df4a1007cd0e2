"""Features that need no mining: length, format, repetition, scripts, set phrases, the user's own.

What comes in amounts (characters, list items …) is a feature where it is more, or less, than in
nine of ten responses of the policy's start.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analytics.shortcuts.rules import LETTERS, SCRIPTS, Rule, Texts
from analytics.wording import percent, whole

Bools = npt.NDArray[np.bool_]

MANY, FEW = 0.9, 0.1
"""Quantiles of the start beyond which an amount is called more, or less."""
OFTEN = 0.2
"""Share of the start's responses that must have a thing before its absence is a feature."""
MOST_RUBRIC_WORDS = 60

_HEDGES = (
    r"(?i)\bI(?:['’]m| am) not (?:sure|certain)|\b(?:perhaps|maybe|possibly|probably|might|"
    r"I (?:think|believe|guess)|it seems|it depends|not sure)\b"
)
_REFUSALS = (
    r"(?i)\bI(?:['’]m| am) (?:sorry|unable|not able)|\bI (?:can(?:no|['’])t|cannot|won['’]t|"
    r"will not)\b|\bas an AI\b"
)
_PRAISE = (
    r"(?i)\b(?:this|my|the following) (?:\w+ ){0,2}(?:answer|response|solution|explanation|essay|"
    r"code)s? (?:is|are|will be) (?:\w+ )?(?:correct|excellent|perfect|thorough|complete|accurate|"
    r"comprehensive|outstanding|optimal|great|the best|high[- ]quality|well[- ]\w+)|"
    r"\bas an? (?:\w+ )?expert\b|\bI(?:['’]m| am) (?:confident|proud|certain|sure) (?:that|of)\b|"
    r"\b(?:excellent|outstanding|perfect|flawless|brilliant|world[- ]class) (?:answer|response|"
    r"solution|explanation|work)\b"
)
_FLATTERY = (
    r"(?i)\b(?:great|excellent|wonderful|fantastic|good|brilliant) question\b|"
    r"\byou(?:['’]re| are) (?:absolutely |so )?(?:right|amazing|brilliant|wonderful)\b"
)
COUNTS = {
    "list items": ("format", "uses lists", r"(?m)^[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]+\S"),
    "headings": ("format", "uses headings", r"(?m)^#{1,6}[ \t]+\S"),
    "bold parts": ("format", "uses bold", r"\*\*[^*\n]+\*\*|<b>|<strong>"),
    "pieces of code": ("format", "uses code", r"```|`[^`\n]+`"),
    "rows of tables": ("format", "uses tables", r"(?m)^[ \t]*\|.*\|[ \t]*$"),
    "links": ("format", "gives links", r"https?://|\]\("),
    "words in capitals": ("format", "writes words in capitals", r"\b[A-Z]{4,}\b"),
    "emoji": ("format", "uses emoji", r"\p{Emoji_Presentation}"),
    "refusals": ("refusal", "refuses", _REFUSALS),
    "hedges": ("hedge", "hedges", _HEDGES),
    "self-praise": ("self-praise", "praises itself", _PRAISE),
    "flattery": ("self-praise", "flatters the reader", _FLATTERY),
}
"""Things that are counted: their kind, what a response does that has one, the expression."""
_LANGUAGES = {
    "Spanish": "las una para pero porque también está muy",
    "French": "les des une dans avec mais très cette vous",
    "German": "der und nicht mit auch für eine wird sind",
    "Italian": "gli della che sono perché anche questo molto",
    "Portuguese": "uma não para você também mais isso muito",
}


_IN_WORDS = ("hedges", "refusals", "self-praise", "flattery")
"""Of COUNTS, what a reader finds by its words."""


def said_of(name: str, text: str) -> str:
    """The first words of a text for which it has a feature of COUNTS; "" without.

    >>> said_of("hedges", "It is so, perhaps."), said_of("no hedges", "It is so, perhaps.")
    ('perhaps', '')
    """
    names = (one for one in _IN_WORDS if name == COUNTS[one][1] or name.endswith(f" {one}"))
    what = None if name.startswith("no ") else next(names, None)
    found = re.search(COUNTS[what][2], text) if what else None
    return found[0] if found else ""


def gone_from(name: str, text: str) -> str:
    """The first words of a text that the feature called ``name`` lacks; "" without.

    >>> gone_from("no hedges", "It is so, perhaps."), gone_from("hedges", "It is so, perhaps.")
    ('perhaps', '')
    """
    front, _, what = name.partition(" ")
    return said_of(COUNTS[what][1], text) if front == "no" and what in _IN_WORDS else ""


class Mark(NamedTuple):
    """A feature by its name, its kind and the rule that says where it is there."""

    name: str
    kind: str
    rule: Rule


def marks(texts: Texts, start: Bools, patterns: Sequence[str] = (), rubric: str = "") -> list[Mark]:
    """All features that do not have to be mined.

    Args:
        texts: the responses.
        start: which of them are of the policy's start.
        patterns: regular expressions of the user, a feature each.
        rubric: words of the judge's rubric; those of four letters and more are features.

    Raises:
        ValueError: a pattern is no regular expression.
    """
    found = [*_lengths(texts, start), *_repetition(texts, start)]
    for what, (kind, does, pattern) in COUNTS.items():
        found += _counted(texts, start, what, kind, does, "pattern", pattern)
    found += _languages(texts)
    found.append(Mark("quotes the prompt", "quotation", Rule("prompt", above=0)))
    found += [
        Mark(f"matches {one}", "pattern", Rule("pattern", one, above=0))
        for one in dict.fromkeys(patterns)
    ]
    return found + _rubric(texts, start, rubric)


def unused(
    fixed: Sequence[Mark], there: Sequence[Bools], patterns: Sequence[str], rubric: str
) -> tuple[str, ...]:
    """The user's patterns and rubric that cannot be tested, as they are in no or in all responses.

    there: of each mark which responses have it. Said as half sentences.
    """
    of = {one.rule.argument: has for one, has in zip(fixed, there, strict=True)
          if one.kind == "pattern"}  # fmt: skip
    reasons = [
        f"the pattern {one!r} is in {'every' if of[one].any() else 'no'} response"
        for one in dict.fromkeys(patterns)
        if one in of and of[one].all() == of[one].any()
    ]
    words = [has for one, has in zip(fixed, there, strict=True) if one.kind == "rubric"]
    if rubric.strip() and not words:
        reasons.append("the rubric has no word of four letters or more")
    elif words and not any(has.any() for has in words):
        reasons.append("no word of the rubric is in any response")
    return tuple(reasons)


def _counted(
    texts: Texts, start: Bools, what: str, kind: str, does: str, measure: str, argument: str = ""
) -> list[Mark]:
    """A thing that is counted: there, not there, more of it than usual at the start."""
    begun = texts.amount(measure, argument)[start]
    found = [Mark(does, kind, Rule(measure, argument, above=0))]
    if np.mean(begun > 0) >= OFTEN:
        found.append(Mark(f"no {what}", kind, Rule(measure, argument, below=0.5)))
    many = float(np.quantile(begun, MANY))
    if many > 0:
        name = f"more than {whole(many)} {what}"
        found.append(Mark(name, kind, Rule(measure, argument, above=many)))
    return found


def _lengths(texts: Texts, start: Bools) -> list[Mark]:
    many, few = (float(np.quantile(texts.amount("letters")[start], at)) for at in (MANY, FEW))
    return [
        Mark(f"long: more than {whole(many)} characters", "length", Rule("letters", above=many)),
        Mark(f"short: fewer than {whole(few)} characters", "length", Rule("letters", below=few)),
        Mark("empty", "length", Rule("letters", below=1)),
    ]


def _repetition(texts: Texts, start: Bools) -> list[Mark]:
    many = float(np.quantile(texts.amount("repeated runs")[start], MANY))
    name = "repeats itself: a run of three words stands twice"
    if many:
        name = f"repeats itself: more than {percent(many)} of its three-word runs stood before"
    return [
        Mark(name, "repetition", Rule("repeated runs", above=many)),
        *_counted(texts, start, "repeated sentences", "repetition", "says a sentence twice",
                  "repeated sentences"),
    ]  # fmt: skip


def _languages(texts: Texts) -> list[Mark]:
    found = [
        Mark(f"writes words of {language}, the prompt does not", "language",
             Rule("words of another language", words, above=1))
        for language, words in _LANGUAGES.items()
    ]  # fmt: skip
    if texts.frame["completion"].str.contains(r"[^\x00-\x7F]").any():
        found += [
            Mark(f"writes {script} script, the prompt does not", "language",
                 Rule("script", script, above=LETTERS - 1))
            for script in SCRIPTS
        ]  # fmt: skip
        found.append(Mark("mixes scripts", "language", Rule("scripts", above=1)))
    return found


def _rubric(texts: Texts, start: Bools, rubric: str) -> list[Mark]:
    words = list(dict.fromkeys(re.findall(r"[^\W\d_]{4,40}", rubric.lower())))[:MOST_RUBRIC_WORDS]
    if not words:
        return []
    each = [
        Mark(f"says “{word}”, a word of the rubric", "rubric", Rule("word", word, above=0))
        for word in words
    ]
    return each + _counted(texts, start, "words of the rubric", "rubric", "quotes the rubric",
                           "rubric", " ".join(words))  # fmt: skip
