"""The options that say which key is what: of one import or watch, or kept for a project."""

from __future__ import annotations

import argparse
from typing import Any

from data.columns import ReadOptions
from data.readers.kl.kl_stated import REFERENCES
from data.roles.stated_roles import ROLE_NAMES

ANSWERS = {
    "question": "question (or its id)", "grade": "grade", "answer": "model's answer",
    "reference": "right answer", "confidence": "model's confidence", "topic": "topic",
}  # fmt: skip


def add_roles(parser: argparse.ArgumentParser) -> None:
    """Give a command the options of Roles."""
    parser.add_argument("--proxy", metavar="KEY", help="logged key of the proxy reward")
    parser.add_argument("--gold", metavar="KEY", help="logged key of the gold reward")
    parser.add_argument("--gold-kind", choices=("score", "rate", "win_rate"))
    parser.add_argument("--kl", metavar="KEY", help="logged key of the KL")
    parser.add_argument("--kl-unit", metavar="U", help="unit of the logged KL, e.g. nats/token")
    parser.add_argument("--kl-estimator", choices=("k1", "k2", "k3", "exact", "bon_bound"))
    parser.add_argument("--kl-reference", choices=REFERENCES, help="policy that the KL is from")
    parser.add_argument(
        "--kl-coefficient", metavar="X", help="the logged KL is minus X times the KL (AReaL)"
    )
    parser.add_argument("--length", metavar="KEY", help="logged key of the response length")
    parser.add_argument("--step", metavar="KEY", help="logged key of the optimiser step")
    parser.add_argument("--run-column", metavar="KEY", help="column that tells runs apart")
    parser.add_argument(
        "--lower-is-better", metavar="KEY", help="a gold of which less is better (perplexity)"
    )
    answers = parser.add_argument_group("tables of graded answers")
    for name, what in ANSWERS.items():
        answers.add_argument(f"--{name}", metavar="KEY", help=f"column of the {what}")
    answers.add_argument(
        "--grade-map", metavar="MAP",
        help='what the grades mean: "yes=correct,no=incorrect,idk=not_attempted"; scores by limit: '
        '">=0.5=correct,<0.5=incorrect"; none leaves a word out of every rate',
    )  # fmt: skip


def read_options(options: argparse.Namespace) -> ReadOptions:
    """What an import or a watch was told of its logs."""
    roles: dict[str, Any] = {name: getattr(options, name) for name in ROLE_NAMES}
    return ReadOptions(project=options.project, run=options.run, **roles)
