"""The rules of alerts from their TOML text; what does not belong is an error with its line."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from analytics.gate.rules.limits import Limit, written


class RulesError(ValueError):
    """Rules that cannot be read, in a sentence with file and line."""


WAYS = ("webhook", "command", "apprise")
EVERY = ("day", "week", "never")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CHOICES = {"deliver.by": WAYS, "digest.every": EVERY, "digest.weekday": DAYS}

RULES = (
    Limit("deliver", "by", "webhook", "webhook (Slack, Mattermost), command, or apprise (e-mail "
          "and more)"),
    Limit("deliver", "url", "", "of the webhook, or an address of apprise (mailto://…); where it "
          "is empty OVEROPT_ALERT_URL holds it, so that no secret lies in a file"),
    Limit("deliver", "command", [], "program and arguments, each in quotes; it gets the alert as "
          "JSON on its standard input, and exit 0 says that it was taken"),
    Limit("deliver", "timeout_seconds", 10, "that the receiver has to answer in all; a service of "
          "apprise has 60 at least", 1, 300),
    Limit("ping", "alarm", True, "an alarm that stands among all runs of its project"),
    Limit("ping", "gate", True, "a gate that fails, under a policy that you judged by"),
    Limit("ping", "checkpoint", True, "a human checkpoint that is overdue under such a policy"),
    Limit("ping", "settle_minutes", 10, "that it must last before it pings", 0, 10_080),
    Limit("ping", "most_per_day", 5, "pings in 24 hours; what is more is sent in one message when "
          "the digest's hour strikes next, with digest.every = never too", 0, 1000),
    Limit("digest", "every", "day", "day, week or never; never: what goes into a digest alone is "
          "sent nowhere"),
    Limit("digest", "weekday", "monday", "of a weekly digest"),
    Limit("digest", "hour", 8, "from when on it is sent, UTC", 0, 23),
    Limit("digest", "when_empty", False, "also where nothing changed"),
)  # fmt: skip
BY_PLACE = {rule.place: rule for rule in RULES}
SECTIONS = tuple(dict.fromkeys(rule.section for rule in RULES))
_ABOUT = {
    "deliver": "How alerts leave.",
    "ping": "What is sent at once. Everything else goes into the digest.",
    "digest": "What changed since the last one, in one message.",
}
_MUTE = """
# What is muted is sent neither at once nor in a digest. A subject is the name of a run or loop;
# * stands for any letters, and every other sign for itself.
# [[mute]]
# subject = "debug-*"
# until = 2026-12-12
# reason = "trials of a new reward model"
"""


def matches(pattern: str, subject: str) -> bool:
    """Whether a name is what a pattern names: ``*`` stands for any letters, all else for itself.

    >>> matches("debug-*", "debug-7"), matches("run[1]?", "run[1]?"), matches("a?", "ab")
    (True, True, False)
    """
    first, *parts = pattern.split("*")
    if not parts:
        return subject == pattern
    if not subject.startswith(first):
        return False
    rest = subject[len(first) :]
    for part in parts[:-1]:
        if part not in rest:
            return False
        rest = rest[rest.index(part) + len(part) :]
    return rest.endswith(parts[-1])


@dataclass(frozen=True)
class Mute:
    """Whose alerts are not told, up to and with a day."""

    subject: str
    until: datetime.date
    reason: str

    def holds(self, subject: str, today: datetime.date) -> bool:
        """Whether it mutes a subject now."""
        return today <= self.until and matches(self.subject, subject)


@dataclass(frozen=True)
class Rules:
    """Values by place (``section.key``), and the mutes."""

    values: Mapping[str, Any]
    mutes: tuple[Mute, ...] = ()

    def __getitem__(self, place: str) -> Any:
        return self.values[place]


def proposal() -> str:
    """The commented rules of the defaults, as TOML: what a team starts from."""
    lines = ["# Alerts of the monitor: OVEROPT_HOME/alerts.toml. Without this file none are sent.",
             "# Every value here is a proposal."]  # fmt: skip
    for section in SECTIONS:
        lines += ["", f"# {_ABOUT[section]}", f"[{section}]"]
        lines += [
            f"{rule.key} = {_toml(rule.default)}  # {rule.meaning}"
            for rule in RULES if rule.section == section
        ]  # fmt: skip
    return "\n".join(lines) + "\n" + _MUTE


def read_rules(text: str, file: str = "alerts.toml", url: str = "") -> Rules:
    """Rules from their text; keys that are not there take the proposal.

    Args:
        text: TOML.
        file: its name, for what is said.
        url: the address that stands where the text names none (OVEROPT_ALERT_URL).

    Raises:
        RulesError: no TOML, an unknown key, a value that makes no sense, or nowhere to send to:
            with file and line, and what was expected.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RulesError(f"{file}: this is not TOML: {error}") from error
    mutes = document.pop("mute", [])
    values = {rule.place: rule.default for rule in RULES}
    for section, keys in document.items():
        if section not in SECTIONS or not isinstance(keys, dict):
            raise RulesError(
                f"{_at(file, text, section)}: {section!r} is no section; expected one of "
                f"{', '.join(f'[{name}]' for name in SECTIONS)} and [[mute]]"
            )
        for key, value in keys.items():
            _check(section, key, value, _at(file, text, section, key))
            values[f"{section}.{key}"] = value
    there = bool(values["deliver.url"])
    values["deliver.url"] = values["deliver.url"] or url
    _check_way(values, text, file, there)
    return Rules(values, _mutes(mutes, text, file))


def _check(section: str, key: str, value: Any, where: str) -> None:
    rule = BY_PLACE.get(f"{section}.{key}")
    if rule is None:
        there = ", ".join(one.key for one in RULES if one.section == section)
        raise RulesError(f"{where}: unknown key {key!r} in [{section}]; expected one of {there}")
    choices = CHOICES.get(rule.place)
    right = value in choices if choices else _suits(rule, value)
    if not right:
        shown = repr(value) if len(repr(value)) < 60 else f"{repr(value)[:60]}…"
        raise RulesError(f"{where}: {rule.place} = {shown}; expected {_expected(rule)}")


def _suits(rule: Limit, value: Any) -> bool:
    if isinstance(rule.default, bool):
        return isinstance(value, bool)
    return rule.suits(value)


def _expected(rule: Limit) -> str:
    if choices := CHOICES.get(rule.place):
        return "one of " + ", ".join(f'"{name}"' for name in choices)
    if rule.key == "command":
        return 'a list of texts, such as ["/usr/local/bin/notify", "--team"]'
    return "true or false" if isinstance(rule.default, bool) else rule.expected()


def _check_way(values: Mapping[str, Any], text: str, file: str, there: bool) -> None:
    """there: whether the text names the address itself."""
    way, url = values["deliver.by"], values["deliver.url"]
    if way == "command":
        if not (values["deliver.command"] and values["deliver.command"][0]):
            raise RulesError(
                f'{_at(file, text, "deliver", "command")}: by = "command" needs the command, '
                f"{_expected(BY_PLACE['deliver.command'])}"
            )
        return
    where = _at(file, text, "deliver", "url")
    if not url:
        raise RulesError(
            f'{where}: by = "{way}" needs an address: write url = "…", or set OVEROPT_ALERT_URL'
        )
    named = "the url" if there else "OVEROPT_ALERT_URL, the url"
    if way == "webhook" and not _is_web(url):
        raise RulesError(f"{where}: {named} of a webhook; expected http://… or https://…")
    if way == "apprise" and not _is_of_apprise(url):
        raise RulesError(
            f'{where}: {named} of by = "apprise" is no address that apprise knows; expected one '
            "such as mailto://user:password@example.com (its documentation lists the services)"
        )


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        written_well = url.isprintable() and not any(map(str.isspace, url))
        web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        return web and written_well
    except ValueError:
        return False


@lru_cache(maxsize=8)
def _is_of_apprise(url: str) -> bool:
    """Whether apprise knows what to do with an address; where it is not installed, by its form."""
    if not re.match(r"\s*[A-Za-z][A-Za-z0-9+.-]*://\S", url):
        return False
    try:
        import apprise
    except ImportError:
        return True  # the first message says that it is missing
    return bool(apprise.Apprise().add(url))


def _mutes(stated: Any, text: str, file: str) -> tuple[Mute, ...]:
    if not isinstance(stated, list):
        raise RulesError(f"{_at(file, text, 'mute')}: expected [[mute]], with two brackets")
    starts = [at for at, line in enumerate(text.splitlines(), 1) if re.match(
        r"\s*\[\[\s*mute\s*\]\]", line)]  # fmt: skip
    return tuple(
        _mute(one, f"{file}, line {starts[at] if at < len(starts) else 1}")
        for at, one in enumerate(stated)
    )


def _mute(stated: Any, where: str) -> Mute:
    wanted = ("subject", "until", "reason")
    odd = sorted(set(stated) ^ set(wanted)) if isinstance(stated, dict) else ["subject"]
    if odd:
        raise RulesError(f"{where}: a mute has {', '.join(wanted)}; look at {odd[0]!r}")
    for key in ("subject", "reason"):
        if not isinstance(stated[key], str) or not stated[key].strip():
            raise RulesError(f"{where}: the mute's {key} is empty; expected text in quotes")
    if type(stated["until"]) is not datetime.date:
        raise RulesError(f"{where}: the mute's until; expected a date without quotes, 2026-12-12")
    return Mute(stated["subject"], stated["until"], stated["reason"])


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else written(value)


def _at(file: str, text: str, section: str, key: str = "") -> str:
    """The place of a key in words; of its section where it is not found."""
    now, found = "", 0
    for at, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            now = head[1].strip("\"'")
            found = found or (at if now == section else 0)
        named = re.match(r"""\s*["']?([\w.-]+?)["']?\s*=""", line)
        name = f"{now}.{named[1]}".lstrip(".") if named else ""
        if name and name in (f"{section}.{key}", section):
            return f"{file}, line {at}"
    return f"{file}, line {found or 1}"
