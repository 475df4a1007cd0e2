"""``gate``: what the gate asks of a store, and its answer."""

from __future__ import annotations

import argparse
from functools import partial

from analytics.commands.collapse import collapse_rows
from analytics.commands.verdict import verdicts
from analytics.gate.result import command as gating
from analytics.gate.rules.limits import proposal
from analytics.gate.rules.policy import PolicyError
from data.database.any_store import AnyStore
from data.database.sql import StoreError
from data.home import begun
from data.owner import StoreOwned
from data.people import policies, sealing
from data.people.reviewing import keep_decision
from data.remote import StoreAccess


def add_gate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of ``python -m analytics``."""
    gating.add_gate(commands, _gate)


def _gate(options: argparse.Namespace) -> int:
    if options.proposal:
        print(proposal(), end="")
        return 0
    try:
        if missing := gating.needs(options):
            raise PolicyError(missing)
        gating.policy_of(options)
        with StoreAccess(begun()) as store:
            return gating.run(options, doors_of(store))
    except (*gating.ERRORS, StoreError, StoreOwned, OSError) as error:
        return gating.failed(error, options.json)


def doors_of(store: AnyStore) -> gating.Doors:
    """What the gate asks of a store, and writes into it."""

    return gating.Doors(
        store.query,
        generation=store.generation,
        verdict=lambda loop, until: next(iter(verdicts(store, [loop], None, until)), None),
        indicators=lambda loop: collapse_rows(store, [loop]),
        policies=partial(policies.kept, store.home),
        keep_policy=partial(policies.keep, store.home),
        record=partial(keep_decision, store),
        look=partial(sealing.look, store),
    )
