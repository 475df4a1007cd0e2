"""Rates and their changes as sentences a reviewer can read. Plain text, never markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analytics.wording import count, fixed, p_value, points, rate_text, whole

FEW_QUESTIONS = 10
"""Below this many questions a topic is not interpreted."""

_ASKED = {"benchmark": "benchmark ", "self_generated": "self-generated ", "human": "human-written "}
_ORIGINS = {
    "benchmark": "the benchmark",
    "self_generated": "self-generated questions",
    "human": "human-written questions",
    "not stated": "questions of unstated origin",
}


def origin_words(origin: str) -> str:
    """How sentences name an origin.

    >>> origin_words("benchmark"), origin_words("forum")
    ('the benchmark', 'questions of origin forum')
    """
    return _ORIGINS.get(origin, f"questions of origin {origin}")


def rate_sentence(row: Mapping[str, Any], of_attempted: bool = False) -> str:
    """The rate with its denominator, interval, method and n, from one of `rows`."""
    where = _place(row)
    if not row["n"]:
        return f"No graded answer on {where}."
    if of_attempted:
        if row["rate_of_attempted"] is None:
            return f"No answer on {where} was attempted: no rate of attempted."
        rate, low, high = row["rate_of_attempted"], row["attempted_low"], row["attempted_high"]
        n, what = row["correct"] + row["incorrect"], "attempted answers"
    else:
        rate, low, high, n = row["rate"], row["low"], row["high"], row["n"]
        what = "graded answers"
    sentence = (
        f"{rate_text(rate)} of {whole(n)} {what} on {where} are wrong "
        f"(95 % interval {rate_text(low)} to {rate_text(high)}, {row['interval']}"
    )
    return sentence + f"); {rate_text(row['not_attempted_rate'])} of all were not attempted."


def change_sentence(row: Mapping[str, Any], alpha: float = 0.05) -> str:
    """What changed since the iteration that a row is compared with, and the test that says so.

    Args:
        row: one of `rows`, with its `change`.
        alpha: above it, the change is said to be within chance: the exact p of a total, the q
            of a topic or category.
    """
    where, change = _place(row), row["change"]
    if row["level"] != "total" and row["questions"] < FEW_QUESTIONS:
        return too_few(row)
    if change is None:
        return no_predecessor(row)
    before, now = change["rate_before"], change["rate_now"]
    moved = "rose" if now > before else "fell"
    since = f"since iteration {change['from_iteration']}"
    if round(before, 3) == round(now, 3):
        story = f"Wrong answers on {where} stayed at {rate_text(now)} {since}"
    else:
        went = f"{moved} from {rate_text(before)} to {rate_text(now)}"
        story = f"Wrong answers on {where} {went} {since}"
    many = change["q"] is not None
    p = change["p_exact"] if change["paired"] and not many else change["p"]
    chance = " That is within chance." if (change["q"] if many else p) > alpha else ""
    family = "topics" if row["level"] == "topic" else "categories"
    over = f"; q{p_value(change['q'])[1:]} over {family}" if many else ""
    if change["paired"]:
        name = _test(change["test"], many)
        return (
            f"{story}: {whole(change['newly_wrong'])} newly wrong, "
            f"{whole(change['newly_right'])} newly right of "
            f"{count(change['shared'], 'shared question')} ({name} {p_value(p)}{over}).{chance}"
        )
    return (
        f"{story} (difference {points(change['low'])} to {points(change['high'])} points, "
        f"95 % Newcombe{' by entity' if change['test'].endswith('entity') else ''}, "
        f"{p_value(p)}{over}).{chance} {cannot_pair(row)}"
    )


def _test(test: str, many: bool) -> str:
    """A paired test as a sentence names it, before its p."""
    if test.startswith("t over"):
        return test + "," * many
    name = "sign test" if test.startswith("sign") else "McNemar"
    return f"{name} mid-p," if many else f"exact {name}"


def cannot_pair(row: Mapping[str, Any]) -> str:
    """Why a change is not tested question by question, and what follows."""
    change, n = row["change"], row["questions"]
    if row["origin"] == "self_generated":
        why = "Self-generated questions change from iteration to iteration"
    else:
        why = "The two iterations were asked different questions"
    shared = f"{whole(change['shared'])} of {whole(n)}" if change["shared"] else "none"
    return (
        f"{why} ({shared} shared), so this cannot be paired: "
        "other questions may explain it as well as another model."
    )


def no_predecessor(row: Mapping[str, Any]) -> str:
    """For a row that is compared with nothing."""
    part = "" if row["level"] == "total" else f" in {row['topic'] or row['knowledge']}"
    return (
        f"Iteration {row['iteration']} has no earlier answers on "
        f"{origin_words(row['origin'])}{part} to compare with."
    )


def too_few(row: Mapping[str, Any]) -> str:
    """For a topic or category with fewer than `FEW_QUESTIONS` questions."""
    asked = count(row["questions"], _ASKED.get(row["origin"], "") + "question")
    return f"{row['topic'] or row['knowledge']}: {asked}, too few to tell (below 10)."


def grader_unknown(graders: Sequence[str | None]) -> str:
    """What an unnamed grader, or several, mean for the rates; empty where there is one by name.

    >>> grader_unknown(["exact match", "exact match"])
    ''
    """
    named = sorted({grader for grader in graders if grader})
    if len(named) > 1:
        return (
            f"Answers were graded by {len(named)} graders ({', '.join(named)}): a change may be "
            "theirs rather than the model's."
        )
    if not named or any(not grader for grader in graders):
        some = "Some answers do" if named else "The log does"
        return (
            f"{some} not say who graded them: the grader's own errors cannot be told from the "
            "model's. A graded sample checked by people would give the corrected rate."
        )
    return ""


def unclear_sentences(found: Mapping[str, Any]) -> list[str]:
    """One sentence for each kind of answer that could not be taken as it is (`pairs.unclear`)."""
    where = f"iteration {found['iteration']} on {origin_words(found['origin'])}"
    sentences = []
    if n := found["ungraded"]:
        sentences.append(
            f"{count(n, 'answer')} of {where} with no known grade: left out of every rate."
        )
    if n := found["confidence_refused"]:
        sentences.append(
            f"{count(n, 'answer')} of {where} with a confidence outside [0, 1]: taken as not "
            "measured."
        )
    if n := found["repeated"]:
        against = found["contradicting"]
        apart = f", {whole(against)} of them with different grades" if against else ""
        sentences.append(
            f"{count(n, 'question')} of {where} answered more than once under one sample{apart}: "
            "counted as samples and averaged within the question."
        )
    return sentences


def beside_benchmark(own: Mapping[str, Any], benchmark: Mapping[str, Any] | None) -> str:
    """The rate on self-generated questions, never without the fixed benchmark beside it.

    Args:
        own: the total of self-generated questions at an iteration.
        benchmark: the total of the benchmark at the same iteration; None = not asked.
    """
    asked = count(own["questions"], "self-generated question")
    own_rate = f"{rate_text(own['rate'])} wrong on {asked}"
    if benchmark is None or not benchmark["n"]:
        return f"{own_rate}. They change at every iteration, and no fixed benchmark was asked."
    return (
        f"{own_rate} against {rate_text(benchmark['rate'])} on the fixed benchmark "
        f"({rate_text(own['not_attempted_rate'])} and {rate_text(benchmark['not_attempted_rate'])} "
        "not attempted). Self-generated questions change from iteration to iteration: a model "
        "that states only what it knows asks itself easier ones."
    )


def malformed_sentence(row: Mapping[str, Any]) -> list[str]:
    """How many of the wrong answers are malformed; nothing where none is known to be.

    >>> row = {"origin": "benchmark", "topic": None, "knowledge": None, "n": 1000,
    ...        "rate": 0.76, "malformed_rate": 0.178}
    >>> malformed_sentence(row)[0][:63]
    'Of the 76.0 % wrong on the benchmark, 17.8 points are malformed'
    """
    if not row["malformed_rate"]:
        return []
    well_formed = rate_text(row["rate"] - row["malformed_rate"])
    return [
        f"Of the {rate_text(row['rate'])} wrong on {_place(row)}, "
        f"{fixed(100 * row['malformed_rate'], 1)} points are malformed (a broken model rather than "
        f"hallucination); well-formed wrong answers: {well_formed}."
    ]


def arms_sentence(loops: Mapping[str, int]) -> str:
    """How many loops stand behind each arm, and whether arms can be tested against each other.

    >>> arms_sentence({"replace": 1, "random_control": 1})[-54:]
    'no test between arms: loops, not questions, are the n.'
    """
    arms = ", ".join(f"{arm} {n}" for arm, n in sorted(loops.items()))
    if any(n < 2 for n in loops.values()):
        end = "With one loop an arm there is no test between arms: loops, not questions, are the n."
        return f"Loops an arm: {arms}. {end}"
    return f"Loops an arm: {arms}. A test between arms has the loops as its n."


def _place(row: Mapping[str, Any]) -> str:
    part = row["topic"] or row["knowledge"]
    return origin_words(row["origin"]) + (f" ({part})" if part else "")
