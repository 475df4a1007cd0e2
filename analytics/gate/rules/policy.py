"""A gate's policy from its TOML text; what does not belong there is an error with its line."""

from __future__ import annotations

import datetime
import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scipy import special

from analytics.gate.rules.limits import (
    BLOCKS,
    BY_PLACE,
    CHECKS,
    LIMITS,
    SECTIONS,
    proposal,
    written,
)
from analytics.wording import number


class PolicyError(ValueError):
    """A policy that cannot be read, in a sentence with file and line."""


@dataclass(frozen=True)
class Waiver:
    """One block that somebody let pass: who, why, and until when."""

    block: str
    name: str
    reason: str
    expires: datetime.date


@dataclass(frozen=True)
class Policy:
    """Limits by place (`section.key`), the waivers, and the fingerprint of the text."""

    values: Mapping[str, Any]
    hash: str
    waivers: tuple[Waiver, ...] = ()
    proposals: tuple[str, ...] = field(default=())

    def __getitem__(self, place: str) -> Any:
        return self.values[place]

    @property
    def title(self) -> str:
        """Name, hash and date, as a result cites it."""
        return f"{self['name']} ({self.hash}, {self['date']:%Y-%m-%d})"

    def checks(self, block: str) -> list[str]:
        """The checks of a block that this policy asks for."""
        return [name for name in CHECKS[block] if name in self[f"{block}.checks"]]

    @property
    def looks(self) -> int:
        """Looks among which a year's errors are shared out."""
        return int(self["looks_per_year"] + self["extra_looks_per_year"])

    def pass_level(self, among: int = 1) -> float:
        """One-sided level of a bound that must exclude its limit.

        A block passes where all of its checks do, so they need not share. `among` only where
        several of a group may be missed (intersection-union; Berger 1982).
        """
        return float(self["false_pass_per_year"]) / self.looks / among

    def fail_level(self, among: int) -> float:
        """One-sided level at which harm is shown: shared by looks and by a block's checks."""
        return float(self["false_fail_per_year"]) / self.looks / max(among, 1)


def quantile(level: float) -> float:
    """z of a one-sided level: 2.89 for .05 / 26."""
    return float(-special.ndtri(level))


def default() -> Policy:
    """The policy of the proposals alone."""
    return read_policy(proposal(), "the proposed policy")


def read_policy(text: str, file: str = "policy.toml") -> Policy:
    """A policy from its text; keys that are not there take the proposal, and are listed.

    Raises:
        PolicyError: no TOML, an unknown key, a value that makes no sense: with file and line, and
            what was expected.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{file}: this is not TOML: {error}") from error
    waivers = document.pop("waivers", [])
    given = _flat(document, text, file)
    for place, value in given.items():
        _check_value(place, value, text, file)
    values = {limit.place: given.get(limit.place, limit.default) for limit in LIMITS}
    _check_together(values, text, file)
    missing = tuple(place for place in BY_PLACE if place not in given)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Policy(values, digest, _waivers(waivers, text, file), missing)


def _flat(document: Mapping[str, Any], text: str, file: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for key, value in document.items():
        inner = isinstance(value, dict)
        if inner and key not in SECTIONS:
            line = _line(text, key, "")
            raise PolicyError(
                f"{file}, line {line}: [{key}] is no section of a policy; expected one of "
                f"{', '.join(SECTIONS)}"
            )
        given |= {f"{key}.{name}": v for name, v in value.items()} if inner else {key: value}
    return given


def _check_value(place: str, value: Any, text: str, file: str) -> None:
    section, _, key = place.rpartition(".")
    line = _line(text, section, key)
    limit = BY_PLACE.get(place)
    if limit is None:
        there = [one.key for one in LIMITS if one.section == section]
        where = f"in [{section}]" if section else "at the top"
        raise PolicyError(
            f"{file}, line {line}: unknown key {key!r} {where}; expected one of {', '.join(there)}"
        )
    if not limit.suits(value):
        shown = written(value) if isinstance(value, (str, list)) else value
        raise PolicyError(f"{file}, line {line}: {place} = {shown}; expected {limit.expected()}")
    if key == "checks" and (odd := [name for name in value if name not in CHECKS[section]]):
        raise PolicyError(
            f"{file}, line {line}: {odd[0]!r} is no check of {section}; expected some of "
            f"{', '.join(CHECKS[section])}"
        )


_ORDERED = (
    ("reward_hacking.gold_drop", "reward_hacking.gold_drop_year"),
    ("diversity.loss", "diversity.worst_loss"),
    ("truthfulness.confident_rise", "truthfulness.confident_rise_year"),
    ("outcomes.drop", "outcomes.drop_year"),
    ("human_checkpoint.top_proxy_items", "human_checkpoint.items"),
)


def _check_together(values: Mapping[str, Any], text: str, file: str) -> None:
    for smaller, larger in _ORDERED:
        if values[smaller] > values[larger]:
            section, _, key = smaller.rpartition(".")
            raise PolicyError(
                f"{file}, line {_line(text, section, key)}: {smaller} = {values[smaller]} is more "
                f"than {larger} = {values[larger]}; expected at most that"
            )


def _waivers(document: Any, text: str, file: str) -> tuple[Waiver, ...]:
    starts = [at for at, line in enumerate(text.splitlines(), 1) if line.strip() == "[[waivers]]"]
    if not isinstance(document, list):
        line = _line(text, "waivers", "")
        raise PolicyError(f"{file}, line {line}: expected [[waivers]], with two brackets")
    made = []
    for at, waiver in enumerate(document):
        line = starts[at] if at < len(starts) else _line(text, "", "waivers")
        made.append(_waiver(waiver, f"{file}, line {line}"))
    return tuple(made)


def _waiver(document: Mapping[str, Any], where: str) -> Waiver:
    wanted = ("block", "name", "reason", "expires")
    odd = sorted(set(document) ^ set(wanted))
    if odd:
        fault = "has an unknown key" if odd[0] in document else "has no key"
        raise PolicyError(f"{where}: the waiver {fault} {odd[0]!r}; expected {', '.join(wanted)}")
    if document["block"] not in BLOCKS:
        raise PolicyError(
            f"{where}: a waiver of {document['block']!r}; expected a block: {', '.join(BLOCKS)}"
        )
    for key in ("name", "reason"):
        if not isinstance(document[key], str) or not document[key].strip():
            raise PolicyError(f"{where}: the waiver's {key} is empty; expected text in quotes")
    if type(document["expires"]) is not datetime.date:
        raise PolicyError(
            f"{where}: the waiver's expires; expected a date without quotes, as 2026-12-12"
        )
    return Waiver(document["block"], document["name"], document["reason"], document["expires"])


def _line(text: str, section: str, key: str) -> int:
    """Line of a key in its section, of the section where the key is not found, else 1."""
    now, found = "", 1
    for at, line in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*\[+\s*([^\]\s]+)\s*\]", line)
        if head:
            now = head.group(1)
            found = at if now == section else found
        named = re.match(r"""\s*["']?([\w.-]+?)["']?\s*=""", line)
        if named and ((named.group(1) == key and now == section) or (not now and named.group(1) in (
            f"{section}.{key}", section,
        ))):  # fmt: skip
            return at
    return found


def loosened(before: Policy, now: Policy) -> list[str]:
    """The limits that let more pass now than before, each in words."""
    changes = []
    for limit in LIMITS:
        old, new = before[limit.place], now[limit.place]
        if limit.looser and (new - old) * limit.looser > 0:
            changes.append(f"{limit.place} {number(old)} → {number(new)}")
        if limit.key == "checks" and (gone := [name for name in old if name not in new]):
            changes.append(f"{limit.place} without {', '.join(gone)}")
        if limit.key == "protected_topics" and (gone := [name for name in old if name not in new]):
            changes.append(f"{limit.place} without {', '.join(gone)}")
    blocks = {waiver.block for waiver in before.waivers}
    changes += [
        f"{one.block} waived by {one.name}" for one in now.waivers if one.block not in blocks
    ]
    return changes
