"""``python -m bench.formats [--write]``: what the readers know of trainers, as tables.

``--write`` puts them anew between their marks in docs/formats.md (tests/test_docs_formats.py holds
them current): each logged KL and its way to nats per response, keys that are never the axis, and
each trainer's rewards and lengths.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.marked import rewritten
from data.readers.kl.kl_table import PER_RESPONSE, PER_TOKEN, LoggedKL
from data.readers.trainers.dialect import Dialect, Length
from data.readers.trainers.known import KNOWN, NOT_POLICY, named

ROOT = Path(__file__).parents[1]
PAGE = "docs/formats.md"
UNITS = {PER_RESPONSE: "response", PER_TOKEN: "token", None: "not known"}
REFERENCES = {"initial_policy": "initial", "unknown": "not known"}
NO_NAME = "TRL GRPO or RLOO"
"""How the trainer is called of which only the family is known."""
TRAINERS = sorted(KNOWN, key=lambda dialect: not (dialect.trainer or NO_NAME).startswith("TRL"))
"""The dialects, TRL's first."""


def kls() -> str:
    """A row for each KL that is read, in the order in which a trainer's are tried."""
    rows = [row for dialect in TRAINERS for row in _kls_of(dialect)]
    heads = ("trainer", "key", "from", "estimator", "per", "to nats per response", "grade")
    return _table(heads, rows)


def _kls_of(dialect: Dialect) -> Iterator[tuple[str, ...]]:
    """A dialect's rows; one that a setting more does not change is the next."""
    left = list(dialect.kls)
    seen: set[str] = set()
    while left:
        entry = left.pop(0)
        when, source = entry.when, REFERENCES[entry.reference]
        if when and left and _same(entry, left[0]):
            other = REFERENCES[left.pop(0).reference]
            source += "" if other == source else f" if {_stated(when[-1:])}, else {other}"
            when = when[:-1]
        condition = f" if {_stated(when)}" if when else " otherwise" if entry.key in seen else ""
        seen.add(entry.key)
        yield (_read_in(dialect, entry), f"`{entry.key}`{condition}", source, *_cells(entry))


def _told_apart(dialect: Dialect) -> str:
    """A trainer, with its versions where others of its versions have another proxy."""
    alone = len({other.proxy for other in KNOWN if other.trainer == dialect.trainer}) == 1
    return _trainer(dialect) if alone else _read_in(dialect, dialect.kls[0])


def _same(entry: LoggedKL, other: LoggedKL) -> bool:
    """Whether another row holds with one setting less, and says the same of the same key."""
    alike = (entry.key, _cells(entry)) == (other.key, _cells(other))
    return alike and other.when == entry.when[:-1]


def _cells(entry: LoggedKL) -> tuple[str, ...]:
    return _estimator(entry), _unit(entry), _way(entry), entry.conversion


def _stated(when: Iterable[tuple[str, tuple[object, ...]]]) -> str:
    """Settings and the value that each must have; one may be written in several ways."""
    return " and ".join(f"`{name}` {str(values[0]).lower()}" for name, values in when)


def _read_in(dialect: Dialect, entry: LoggedKL) -> str:
    versions = _versions(entry.evidence)
    return _trainer(dialect) + (f" ({versions})" if versions else "")


def never() -> str:
    """What the refused keys are, and the keys; where a trainer is named, of its logs alone."""
    keys: dict[str, list[str]] = {}
    for entry in NOT_POLICY:
        only = named(entry.dialect)
        keys.setdefault(entry.what, []).append(
            f"`{entry.key}`" + (f" ({_trainer(only)})" if only else "")
        )
    rows = [(what, ", ".join(dict.fromkeys(found))) for what, found in keys.items()]
    return _table(("what it is", "keys"), rows)


def rewards() -> str:
    """Proxy, gold and length of the trainers, the best key first."""
    called: dict[tuple[str, ...], list[str]] = {}
    for dialect in TRAINERS:
        lengths = [f"`{key}`" for key in dialect.columns.get("response_length", ())]
        cells = (
            _proxy(dialect),
            _code(dialect.includes_kl),
            _code(dialect.gold),
            ", ".join([*lengths, *map(_length, dialect.lengths)]),
        )
        called.setdefault(cells, []).append(_told_apart(dialect))
    rows = [(", ".join(dict.fromkeys(names)), *cells) for cells, names in called.items()]
    heads = ("trainer", "proxy", "KL is taken off", "gold", "response length")
    return _table(heads, rows)


TABLES = {"KL": kls, "never": never, "rewards": rewards}
"""Each table by the name in its marks."""


def _trainer(dialect: Dialect) -> str:
    return dialect.trainer or NO_NAME


def _estimator(entry: LoggedKL) -> str:
    by = f"; {_code(entry.chosen_by)}" if entry.chosen_by else ""
    return (entry.estimator or "not known") + by


def _unit(entry: LoggedKL) -> str:
    means = entry.unit == PER_TOKEN and "mean over responses" in entry.note
    return UNITS[entry.unit] + (", mean of means" if means else "")


def _way(entry: LoggedKL) -> str:
    parts = [f"÷ −{_code(entry.coefficient)}"] if entry.coefficient else []
    parts += ["× length"] if entry.unit == PER_TOKEN else []
    return " ".join(parts) or ("as logged" if entry.unit else "`--kl-unit` must say it")


def _versions(evidence: str) -> str:
    """The versions whose source says so.

    >>> _versions("TRL 0.24 ppo_trainer.py:561, 669; TRL 1.9 ppo_trainer.py:882-889")
    '0.24, 1.9'
    """
    return ", ".join(dict.fromkeys(re.findall(r"(?<= )v?\d+\.\d[\w.]*(?= )", evidence)))


def _proxy(dialect: Dialect) -> str:
    if dialect.proxy is None:
        return "the function that is trained on, else `reward`"
    return _code(dialect.proxy) or "none: rewards are the policy's own"


def _length(length: Length) -> str:
    minus = f" − `{length.minus}`" if length.minus else ""
    return f"`{length.key}`{minus}" + (f" ÷ `{length.over}`" if length.over else "")


def _code(keys: Iterable[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys)


def _table(heads: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def written(text: str) -> str:
    """The page with its tables made anew (``rewritten``)."""
    return rewritten(text, "table", TABLES)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.formats", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE} anew")
    if parser.parse_args().write:
        place = ROOT / PAGE
        place.write_text(written(place.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print("\n\n".join(made() for made in TABLES.values()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
