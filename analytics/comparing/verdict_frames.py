"""What a verdict is made from: the frames about one run, and how a store is asked for them.

This is the one place that knows the store's questions by name; the code that judges takes frames.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import polars as pl

from analytics.comparing.components import ensembles_by_name

Query = Callable[..., pl.DataFrame]


class Asked(TypedDict):
    """What most questions about loops are asked by: their names, and up to which iteration."""

    loops: Sequence[str]
    until: int | None


@dataclass(frozen=True)
class VerdictFrames:
    """The rows of one run up to a step; columns as in data/queries, by the same names.

    gold: by source and step, kind too; trajectory: every training row; prompts, evaluated: means of
    training and evaluated responses by prompt; sample_kl, further_kl: what is held against the
    logged KL. Of runs with stored responses: scored, those that a judge scored; anchors, fixed ones
    scored again; ensembles: the members of each and their disagreement.
    """

    gold: pl.DataFrame
    trajectory: pl.DataFrame
    prompts: pl.DataFrame
    evaluated: pl.DataFrame
    sample_kl: pl.DataFrame
    further_kl: pl.DataFrame
    scored: pl.DataFrame | None = None
    anchors: pl.DataFrame | None = None
    ensembles: tuple[tuple[tuple[str, ...], pl.DataFrame], ...] = ()

    @staticmethod
    def of(query: Query, run: Mapping[str, Any], until: int | None = None) -> VerdictFrames:
        """Those that a store answers; run: a row of the question "runs"; until: the last step."""
        name, stored = run["run_id"], bool(run.get("samples"))
        return VerdictFrames(
            gold=query("gold", run=name, until=until),
            trajectory=query("trajectory", run=name, until=until),
            prompts=query("prompts", run=name, until=until),
            evaluated=query("evaluated", run=name, until=until),
            sample_kl=query("sample_kl", run=name, until=until),
            further_kl=query("further_kl", run=name, until=until),
            scored=query("scored", run=name, until=until) if stored else None,
            anchors=query("anchors", run=name, until=until) if stored else None,
            ensembles=tuple(_ensembles(query, name, until)) if stored else (),
        )

    def fingerprint(self, about: str) -> str:
        """16 hex digits of every row here and of what is told besides."""
        digest = hashlib.sha256(about.encode())
        digested = (
            self.gold, self.trajectory, self.prompts, self.evaluated, self.sample_kl,
            self.further_kl, self.scored, self.anchors, *(cells for _, cells in self.ensembles),
        )  # fmt: skip
        for frame in digested:
            if frame is not None:
                digest.update(f"{frame.columns}\0{frame.height}\0".encode())
                digest.update(frame.hash_rows().to_numpy().tobytes())
        return digest.hexdigest()[:16]


def _ensembles(
    query: Query, run: str, until: int | None
) -> Iterator[tuple[tuple[str, ...], pl.DataFrame]]:
    keys = query("member_keys", run=run)["key"].to_list()
    for members in ensembles_by_name(keys):
        yield members, query("disagreement", run=run, keys=list(members), until=until)
