"""A message as receivers want it: text that nothing interprets, JSON for Slack and Mattermost.

What stands in a name from a log must not call people (`<!channel>`, `@here`), become a link,
a picture, a formula or an emoji, or break the JSON. Slack knows no escape but for `<`, `>` and `&`,
and Mattermost reads Markdown: so signs that start something are replaced by their look-alikes, and
a joiner that nobody sees parts what would become a call or a link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

LONGEST = 300
LONGEST_LINK = 1_500
WEEK = "/this-week"
JOINER = "\u2060"
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
"""Control characters, marks that turn the direction of text, what nobody sees, halves."""
_ALIKE = str.maketrans({
    "`": "\u02cb", "*": "\u2217", "~": "\u223c", "\\": "\u2216", "$": "\uff04", "|": "\u2223",
    "&": "&amp;", "<": "&lt;", ">": "&gt;",
})  # fmt: skip
_PARTED = re.compile(
    r"(?<=@)|(?<=\uff20)|(?<=#)|(?<=!)(?=\[)|(?<=\])(?=[(\[:])|(?<=:)(?=[\w/+-])"
    r"|(?<=[^\W\d_])(?=\.[^\W\d_])"
)
"""Before people, channels, pictures, link texts, emoji, addresses, and host names."""
_EDGE = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])")
"""Underscores at the edge of a word, which would slant it."""


def plain(text: object, longest: int = LONGEST) -> str:
    """Text from logs and people in one line, cut, for a program that interprets nothing.

    >>> plain("a\\x00\\u202eb\\n  c"), plain("x" * 9, 4)
    ('ab c', 'xxx…')
    """
    start = str(text)[: 8 * longest]  # a text of megabytes is not read to its end
    line = " ".join(_UNSEEN.sub("", re.sub(r"\s", " ", start)).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def quiet(text: object, longest: int = LONGEST) -> str:
    """The same for a chat: it calls nobody, leads nowhere, is no markup.

    >>> quiet("<!channel> *x*").replace(JOINER, "")
    '&lt;!channel&gt; ∗x∗'
    """
    line = _PARTED.sub(JOINER, plain(text, longest))
    return _EDGE.sub(lambda one: "\u02cd" * len(one[0]), line).translate(_ALIKE)


def link(server: str, view: str) -> str:
    """The address of a view; of the week where it would be too long for a message.

    server: where it leads (OVEROPT_URL), empty = not known.
    """
    return f"{server}{path(view)}" if server else ""


def path(address: str) -> str:
    """The path of a view, that of the week where it would be too long for a message."""
    return address if len(address) <= LONGEST_LINK else WEEK


def where(server: str, view: str) -> str:
    """The line on the view: its address, or what is missing for one."""
    if target := link(server, view):
        return target
    return "No link: the server does not know its address (OVEROPT_URL)."


def as_text(message: Mapping[str, Any]) -> str:
    """A message as plain text: for e-mail and a terminal."""
    lines = [f"- {line}" for line in message["lines"]]
    return "\n".join([*lines, "", str(message["where"])])


class Attachment(TypedDict):
    """The coloured part of a message for Slack or Mattermost."""

    fallback: str
    color: str
    title: str
    text: str
    mrkdwn_in: list[str]
    title_link: NotRequired[str]


class ChatMessage(TypedDict):
    """A message for Slack or Mattermost."""

    text: str
    attachments: list[Attachment]


def as_chat(message: Mapping[str, Any]) -> ChatMessage:
    """A message for an incoming webhook of Slack or Mattermost.

    Args:
        message: title, lines (plain texts), link (empty = none), where, level.
    """
    lines = [f"\u2022 {quiet(line, 1_000)}" for line in message["lines"]]
    title = quiet(message["title"])
    attachment: Attachment = {
        "fallback": title,
        "color": {"ping": "#B3261E", "digest": "#3B6EA5"}.get(str(message["level"]), "#54616D"),
        "title": "Open the view" if message["link"] else "Reward overoptimization monitor",
        "text": "\n".join(lines if message["link"] else [*lines, quiet(message["where"])]),
        "mrkdwn_in": [],
    }
    if message["link"]:
        attachment["title_link"] = message["link"]
    return {"text": title, "attachments": [attachment]}


def cut(lines: Sequence[str], most: int) -> list[str]:
    """The first lines, and how many more there are."""
    more = len(lines) - most
    return [*lines] if more <= 0 else [*lines[:most], f"and {more} more"]
