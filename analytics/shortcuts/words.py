"""Shortcuts in words. What has no gold asks for a look; it never convicts."""

from __future__ import annotations

from collections.abc import Mapping

from analytics.reading.shown import one_line
from analytics.shortcuts.found import Mined, Shortcut
from analytics.wording import count, percent, whole, with_interval

LONGEST = 120
"""Characters of a feature's name that a sentence shows."""


def name(feature: str) -> str:
    """A feature's name in one line; what steers a screen is written out.

    >>> name("says “a\\x1b[2J”")
    'says “a␛[2J”'
    """
    line = one_line(feature)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 2]} …"


def short(feature: str) -> str:
    """The same without the limit from which it counts.

    >>> short("long: more than 142 characters"), short("says “a: b”")
    ('long', 'says “a: b”')
    """
    front, colon, _ = name(feature).partition(": ")
    return front if colon and "“" not in front else name(feature)


def headline(mined: Mined) -> str:
    """What a run is paid for, in a sentence or two."""
    if mined.status == "cannot tell":
        return f"What it is paid for is not known: {mined.reason}."
    if mined.status == "none":
        return f"No shortcut was found: {mined.reason}."
    first, *others = mined.shortcuts
    more = f" {count(len(others), 'further thing')} below." if others else ""
    if mined.with_gold:
        high = (first.gold or {}).get("high")
        down = high is not None and high < 0
        noisy = "" if down else (
            " Gold is not surely below 0 with it: where gold is noisy, an honest improvement can "
            "look the same; more gold tells."
        )  # fmt: skip
        how = "gold marks down" if down else "gold does not confirm"
        return f"It is paid for what {how}: {sentence(first)}.{noisy}{more}"
    return (
        f"It is paid for what it did not do at the start: {sentence(first)}.{more} Gold is "
        "missing: whether that is wrong is not known; read the examples, or measure gold."
    )


def sentence(one: Shortcut) -> str:
    """A shortcut: how often it is there, what proxy pays and gold says."""
    text = (
        f"{short(one.name)} ({percent(one.share_start)} of responses at the start, "
        f"{percent(one.share_now)} now). With it proxy is {pays(one.proxy)} higher"
    )
    return text if one.gold is None else f"{text}, gold {pays(one.gold)}"


def pays(effect: Mapping[str, float | None]) -> str:
    """A difference of rewards with its interval, 95 %."""

    return with_interval(effect["value"], effect["low"], effect["high"])


def onsets(one: Shortcut, gold_onset: int | None) -> str:
    """Since when it grows, beside the step from which gold falls."""
    if one.onset is None:
        return "since when is not known"
    if gold_onset is None:
        return f"since step {whole(one.onset)}"
    after = one.onset - gold_onset
    way = "at the same step as gold" if not after else (
        f"{count(abs(after), 'step')} {'after' if after > 0 else 'before'} gold fell"
    )  # fmt: skip
    return f"since step {whole(one.onset)}, {way}"


def read(mined: Mined) -> str:
    """How many responses were read, and what was compared with what."""
    part = whole(mined.read) if mined.read == mined.of else (
        f"{whole(mined.read)} of {whole(mined.of)}"
    )  # fmt: skip
    text = f"Read: {part} responses"
    if not mined.within:
        return f"{text}."
    return (
        f"{text} to {count(mined.prompts, 'prompt')}; {count(mined.tested, 'feature')} tested. "
        f"Pay is compared within {mined.within}."
    )


def lines(run: str, mined: Mined) -> list[str]:
    """What the command prints of a run; its texts are still to be made safe for a terminal."""
    printed = [f"{run}: {headline(mined)}"]
    for one in mined.shortcuts:
        printed.append(f"  {sentence(one)}; {onsets(one, mined.gold_onset)}.")
        if one.same_as:
            printed.append(f"    the same: {'; '.join(map(name, one.same_as))}")
        keys = ", ".join(f"step {whole(key['step'])} prompt {key['prompt_id']} number "
                         f"{key['sample_id']}" for key in one.examples)  # fmt: skip
        printed.append(f"    examples: {keys}")
    printed += [f"  Not tested: {one}." for one in mined.unused]
    return [*printed, f"  {read(mined)}"]
