"""The board of a loop: proxy, gold, KL, hallucination, diversity, tail, data, people, decision."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import polars as pl

from analytics.collapse.indicators import BY_NAME, Way
from analytics.collapse.words import Change, changes, states
from analytics.loops.cells import Cell, Question, p_of
from analytics.loops.decided import last_word
from analytics.loops.lineage import depths
from analytics.wording import alike, fixed, number, percent, whole

Z = 1.959964
_SECONDS = re.compile(r"(T\d\d:\d\d)[:.\d]*")


@dataclass(frozen=True)
class LoopFacts:
    """What is known of one loop, as the store's questions answer it.

    ``rates`` and ``apart`` are rows of `hallucination.rates_from_counts` compared with iteration
    0: totals, and by whether the entity was trained on. ``indicators`` are rows of
    ``collapse --json``.
    """

    loop: str
    metrics: pl.DataFrame
    indicators: Sequence[Mapping[str, Any]]
    rates: pl.DataFrame
    apart: pl.DataFrame
    corpus: pl.DataFrame
    kept_texts: pl.DataFrame
    reviews: pl.DataFrame
    decisions: pl.DataFrame

    def iterations(self) -> list[int]:
        """All that anything is known of, ascending."""
        found = set(self.metrics["step"]) | {row["iteration"] for row in self.indicators}
        for frame in (self.rates, self.corpus, self.reviews):
            found |= set(frame["iteration"])
        return sorted(found)


def questions(facts: LoopFacts) -> list[Question]:
    """The rows of a loop's board, in the order in which they are read."""
    return [
        _reward(facts, "proxy_reward", "Proxy reward", "neither"),
        _reward(facts, "gold_reward", "Gold reward", "falls"),
        _kl(facts),
        _kl_added(facts),
        _wrong(facts),
        _confident(facts),
        _indicator(facts, "distinct_2", "Diversity (distinct-2)"),
        _indicator(facts, "vendi_1", "Diversity (Vendi score)"),
        *(
            [_indicator(facts, "vendi_embedded_1", "Diversity (Vendi score of embeddings)")]
            if any(row["indicator"] == "vendi_embedded_1" for row in facts.indicators)
            else []
        ),
        _indicator(facts, "near_duplicates_before", "Near-duplicates of the last iteration"),
        _indicator(facts, "tail_coverage", "Tail coverage"),
        _heldout(facts),
        _synthetic(facts),
        _depth(facts),
        _people(facts),
        _checked(facts),
        _outside(facts),
        _decided(facts),
    ]


def first_failed(board: Sequence[Question], loop: str) -> str:
    """One sentence: what failed first in a loop, at which iteration, and what followed."""
    when = {q.title: at for q in board if q.harm and (at := q.worse_from()) is not None}
    measured = [q for q in board if q.harm and any(
        cell.change not in ("not measured", "not tested") for cell in q.cells.values()
    )]  # fmt: skip
    if not measured:
        return f"{loop}: nothing is measured that a test could tell a failure by."
    if not when:
        looked = ", ".join(_short(q.title) for q in measured)
        return f"{loop}: nothing has turned to the worse beyond chance ({looked})."
    first = min(when.values())
    names = [title for title, at in when.items() if at == first]
    what = " and ".join(filter(None, [", ".join(_short(n) for n in names[:-1]), _short(names[-1])]))
    change = next(_from_to(q, first) for q in board if q.title == names[0])
    later = [f"{_short(title)} from {at}" for title, at in sorted(when.items(), key=lambda w: w[1])
             if at > first]  # fmt: skip
    then = f"; then {', '.join(later[:3])}" if later else ""
    last = max(when.values())
    more = f" and {len(later) - 3} more rows by {last}" if len(later) > 3 else ""
    return f"{loop}: {what} failed first, at iteration {first}{change}{then}{more}."


def _short(title: str) -> str:
    return title[0].lower() + title[1:] if not title.startswith("KL") else title


def _from_to(question: Question, at: int) -> str:
    last = max(question.cells)
    cells = [question.cells[one] for one in dict.fromkeys((min(question.cells), at, last))]
    numbers = [cell.value for cell in cells if cell.value is not None]
    if len(numbers) < len(cells):
        return ""
    shares = all(cell.text.endswith("%") for cell in cells)  # as the cells write them
    start, now, *end = [cell.text for cell in cells] if shares else alike(*numbers)
    return f" (from {start} to {now}{f', {end[0]} at the end' if end else ''})"


def _reward(facts: LoopFacts, name: str, title: str, worse: Way) -> Question:
    """Of the texts by prompt where they are there, else the logged mean and its own error."""
    says = {
        "proxy_reward": "Mean proxy reward, 95 % interval.",
        "gold_reward": "Mean gold reward, 95 % interval. Worse: it falls.",
    }[name]
    page, harm = "/overoptimization", name == "gold_reward"
    if any(row["indicator"] == name for row in facts.indicators):
        made = _indicator(facts, name, title)
        return Question(name, title, says, made.cells, page, harm)
    rows = facts.metrics.filter(pl.col(name).is_not_null()).sort("step").to_dicts()
    tests = {
        row["step"]: (
            p_of(row[name] - rows[0][name], _joint(_error(row, name), _error(rows[0], name))),
            row[name] - rows[0][name],
        ) for row in rows[1:]
    }  # fmt: skip
    found = _with_first(tests, worse, rows[:1], "step")
    cells = {
        row["step"]: Cell(
            number(row[name]), found[row["step"]], "by the logged errors, not paired", row[name],
            _interval(row[name], _error(row, name)),
        ) for row in rows
    }  # fmt: skip
    return Question(name, title, says, cells, page, harm)


def _with_first(
    tests: Mapping[int, tuple[float | None, float]], way: Way, first: Sequence[Mapping[str, Any]],
    key: str = "iteration",
) -> dict[int, Change]:  # fmt: skip
    """States by iteration; the first is what the others are compared with."""
    start: dict[int, Change] = {row[key]: "unchanged" for row in first}
    return start | states(tests, way)


def _error(row: Mapping[str, Any], name: str) -> float | None:
    if row.get(f"{name}_se") is not None:
        return float(row[f"{name}_se"])
    if row.get(f"{name}_sd") is not None and row.get("n_responses"):
        return float(float(row[f"{name}_sd"]) / float(row["n_responses"]) ** 0.5)
    return None


def _joint(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else (one**2 + other**2) ** 0.5


def _interval(value: float, error: float | None) -> str:
    return "" if error is None else f"{number(value - Z * error)} to {number(value + Z * error)}"


def _kl(facts: LoopFacts) -> Question:
    rows = facts.metrics.filter(pl.col("kl").is_not_null()).sort("step")
    cells = {
        step: Cell(number(kl), "not tested", "accumulated from the base", kl)
        for step, kl in rows.select("step", "kl").iter_rows()
    }
    return Question("kl", "KL from the base, nats", "Accumulated over iterations, per response.",
                    cells, "/overoptimization", harm=False)  # fmt: skip


def _kl_added(facts: LoopFacts) -> Question:
    rows = facts.metrics.filter(pl.col("kl").is_not_null()).sort("step").select("step", "kl").rows()
    cells = {
        step: Cell(number(kl - before), "not tested",
                   f"KL at {step} less that at {last}", kl - before)
        for (last, before), (step, kl) in pairwise(rows)
    }  # fmt: skip
    return Question("kl_added", "KL added, nats", "How far this iteration alone moved it.",
                    cells, "/overoptimization", harm=False)  # fmt: skip


def _wrong(facts: LoopFacts) -> Question:
    rows = _benchmark(facts.rates)
    tests = {row["iteration"]: (row["change_p"], row["change_difference"] or 0.0)
             for row in rows[1:]}  # fmt: skip
    found = _with_first(tests, "rises", rows[:1])
    cells = {
        row["iteration"]: Cell(
            percent(row["rate"], 1), found[row["iteration"]],
            f"{row['change_test'] or ''} against iteration 0, n = {row['n']}".strip(), row["rate"],
            _share(row["low"], row["high"]),
        ) for row in rows
    }  # fmt: skip
    return Question("wrong", "Wrong answers", "Of all graded benchmark answers.", cells,
                    "/hallucination")  # fmt: skip


def _confident(facts: LoopFacts) -> Question:
    rows = [row for row in _benchmark(facts.rates) if row["confident"] is not None]
    cells = _shares(rows, "confident", "confident_low", "confident_high")
    return Question("confident", "Confident hallucination",
                    "Wrong with confidence of at least .8, of all graded.", cells,
                    "/hallucination")  # fmt: skip


def _shares(rows: Sequence[Mapping[str, Any]], key: str, low: str, high: str) -> dict[int, Cell]:
    """Cells of a share that is worse where it rises: two proportions, not paired."""
    tests: dict[int, tuple[float | None, float]] = {}
    for row in rows[1:]:
        n, before, difference = row["n"], rows[0], row[key] - rows[0][key]
        pooled = (row[key] * n + before[key] * before["n"]) / (n + before["n"])
        error = (pooled * (1 - pooled) * (1 / n + 1 / before["n"])) ** 0.5
        tests[row["iteration"]] = (p_of(difference, error), difference)
    found = _with_first(tests, "rises", rows[:1])
    return {
        row["iteration"]: Cell(
            percent(row[key], 1), found[row["iteration"]],
            f"two proportions, not paired, n = {row['n']}", row[key], _share(row[low], row[high]),
        ) for row in rows
    }  # fmt: skip


def _benchmark(rates: pl.DataFrame) -> list[dict[str, Any]]:
    """Totals of the benchmark, or of the one other origin that there is."""
    totals = rates.filter(pl.col("level") == "total").sort("iteration")
    origins = totals["origin"].unique().to_list()
    origin = "benchmark" if "benchmark" in origins else next(iter(sorted(origins)), "")
    return totals.filter(origin=origin).to_dicts()


def _share(low: float, high: float) -> str:
    return f"{fixed(100 * low, 1)} to {fixed(100 * high, 1)}"


def _indicator(facts: LoopFacts, name: str, title: str) -> Question:
    rows = [row for row in facts.indicators if row["indicator"] == name]
    found, kind = changes(facts.indicators, name), BY_NAME[name]
    cells = {}
    for row in rows:
        more = ""
        if row["low"] is not None:
            more = f"{fixed(row['low'], kind.digits)} to {fixed(row['high'], kind.digits)}"
        note = f"{whole(row['n'])} texts, over prompts" if row["n"] else "as logged, no interval"
        text = fixed(row["value"], kind.digits)
        cells[row["iteration"]] = Cell(text, found[row["iteration"]], note, row["value"], more)
    way = {"falls": "it falls", "rises": "it rises", "moves": "it moves"}.get(kind.worse)
    says = f"On a fixed budget of tokens. Worse: {way}." if way else ""
    if kernel := next((row["kernel"] for row in rows if "kernel" in row), None):
        says += f" Alike by {kernel}."
    return Question(name, title, says, cells, "#indicators", kind.worse != "neither")


def _heldout(facts: LoopFacts) -> Question:
    return _indicator(facts, "heldout_nll", "Loss on human text")


def _synthetic(facts: LoopFacts) -> Question:
    cells = {}
    for (iteration,), part in facts.corpus.group_by("iteration", maintain_order=True):
        mine = part.with_columns(pl.coalesce("tokens", "documents").alias("size"))
        total = float(mine["size"].sum() or 0)
        made = mine.filter(pl.col("generator_iteration").is_not_null())["size"].sum()
        if total:
            share = float(made or 0) / total
            cells[int(str(iteration))] = Cell(
                percent(share, 0), "not tested", "of the tokens trained on", share
            )
    return Question("synthetic", "Synthetic share", "Of the tokens that it was trained on.", cells,
                    "/provenance", harm=False)  # fmt: skip


def _depth(facts: LoopFacts) -> Question:
    cells = {
        iteration: Cell(
            number(mean), "not tested",
            "as stated" if stated else "by lineage: one more than what its writer was trained on",
            mean, f"at most {greatest}",
        )
        for iteration, (mean, greatest, stated) in depths(facts.corpus).items()
    }  # fmt: skip
    return Question("depth", "Depth", "Models between a human text and what was trained on: mean "
                    "over tokens, greatest.", cells, "/provenance", harm=False)  # fmt: skip


def _people(facts: LoopFacts) -> Question:
    """How long ago people looked, in iterations and in KL; nobody ever looked is told as that."""
    looked = sorted(set(facts.reviews["iteration"]))
    kl = dict(facts.metrics.select("step", "kl").iter_rows())
    cells = {}
    for iteration in facts.iterations():
        before = [at for at in looked if at <= iteration]
        if not before:
            cells[iteration] = Cell("never", "not measured", "no review is in the store")
            continue
        ago = iteration - before[-1]
        now, then = kl.get(iteration), kl.get(before[-1])
        moved = f"{number(now - then)} nats" if now is not None and then is not None else ""
        text, more = ("here", "") if not ago else (f"{ago} ago", moved)
        cells[iteration] = Cell(
            text, "not tested", f"the last at iteration {before[-1]}", ago, more
        )
    return Question("people", "Last human checkpoint", "Iterations, and KL, since people last "
                    "compared texts blind.", cells, "/checkpoints", harm=False)  # fmt: skip


def _checked(facts: LoopFacts) -> Question:
    """Of the synthetic training text: stated in the corpus, else the claims of kept texts."""
    cells = {}
    synthetic = facts.corpus.filter(
        pl.col("generator_iteration").is_not_null() & pl.col("verified").is_not_null()
    )
    for (iteration,), part in synthetic.group_by("iteration", maintain_order=True):
        total = float(part["tokens"].sum() or 0)
        if total:
            share = float(part.filter(pl.col("verified"))["tokens"].sum() or 0) / total
            cells[int(str(iteration))] = Cell(
                percent(share, 0), "not tested", "of synthetic tokens, as stated", share
            )
    if not cells:
        for row in facts.kept_texts.filter(pl.col("kept")).iter_rows(named=True):
            if row["claims"] and row["checked"]:
                false = row["false"] / row["claims"]
                cells[row["iteration"] + 1] = Cell(
                    f"{percent(false, 0)} false", "not tested",
                    "claims in the texts kept for training", false,
                    f"{percent(row['checked'] / row['texts'], 0)} checked",
                )  # fmt: skip
        there = facts.iterations()  # what the last one wrote has trained nothing yet
        cells = {at: cell for at, cell in cells.items() if at in there}
    return Question("verified", "Verified training claims", "Checked against a source before they "
                    "were trained on.", cells, "/training-set", harm=False)  # fmt: skip


def _outside(facts: LoopFacts) -> Question:
    rows = facts.apart.filter(
        (pl.col("topic") == "not trained on") & (pl.col("origin") == "benchmark")
    ).sort("iteration").to_dicts()  # fmt: skip
    cells = _shares(rows, "rate", "low", "high")
    return Question("outside", "Wrong outside the trained-on pool", "Questions about what no "
                    "training text was about.", cells, "/training-set")  # fmt: skip


def _decided(facts: LoopFacts) -> Question:
    cells = {}
    for (iteration,), rows in facts.decisions.drop_nulls("iteration").group_by("iteration"):
        if row := last_word(rows.iter_rows(named=True)):
            note = " · ".join(filter(None, [_SECONDS.sub(r"\1", row["at"]), row["note"]]))
            until = f" until {row['expires']}" if row["expires"] else ""
            cells[int(str(iteration))] = Cell(
                row["decision"].replace("_", " "), "not tested", note, None, f"{row['by']}{until}"
            )
    return Question("decision", "Decision", "What people decided, the last word.", cells, "/gate",
                    harm=False)  # fmt: skip
