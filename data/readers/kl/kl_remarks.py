"""What a file says of its KL in words around its rows: comments, titles, units, metadata.

A remark is one such text: ``kl: nats per token``, ``units: -, nats/token, -``, ``kl_unit: bits``.
It is taken apart into clauses. What is said plainly is heeded; what speaks of the unit or of the
policy and is not understood, or contradicts something else, makes the KL unknown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data.readers.kl import kl_headings
from data.words.terminal import one_line

MOST, LONGEST = 200, 400
"""Remarks of a file, and characters of each, that are looked at."""
_KL = frozenset({"kl", "kld", "dkl", "kldiv", "kullback", "divergence"})
_TOKEN = frozenset({"token", "tokens", "tok", "toks", "tokenwise", "tkn"})
_RESPONSE = frozenset({
    "sequence", "sequences", "seq", "seqs", "response", "responses", "resp", "completion",
    "completions", "episode", "episodes", "trajectory", "trajectories", "sample", "samples",
    "answer", "answers", "generation", "generations", "rollout", "rollouts", "summary",
})  # fmt: skip
_SUM = frozenset({"sum", "sums", "summed", "total", "summing", "totalled"})
_VOCABULARY = frozenset({"vocab", "vocabulary", "logits", "distribution"})
_NATS, _BITS = frozenset({"nats", "nat"}), frozenset({"bits", "bit", "shannon", "shannons"})
_NOT = frozenset({"not", "isn", "no", "instead", "rather", "never", "unlike", "neither"})
_SCALED = frozenset({
    "sqrt", "root", "squared", "scaled", "normalised", "normalized", "divided", "multiplied",
    "times", "percent", "percentage", "millinats", "mnats", "milli", "micro", "dits", "bans",
    "hartleys", "cumulative", "cumulated", "forward", "rescaled", "standardised", "standardized",
    "logarithm", "logarithms", "logarithmic", "reciprocal", "inverse", "exponentiated", "halved",
    "doubled", "decibel", "decibels",
})  # fmt: skip
"""Words after which a number is no KL in nats or bits."""
_OTHER_THING = frozenset({
    "coef", "coeff", "coefficient", "ctl", "target", "budget", "threshold", "limit", "cap",
    "horizon", "penalty", "loss", "beta", "controller", "early", "stop",
})  # fmt: skip
"""Words that make a clause one of a setting, unless it speaks of a unit."""
_COLUMNS = frozenset({
    "proxy", "gold", "reward", "rewards", "score", "scores", "length", "lengths", "entropy", "loss",
    "lr", "step", "steps", "gradient", "grad", "advantage", "advantages", "logprob", "logprobs",
    "logps", "throughput", "batch",
})  # fmt: skip
"""Words of other columns: a clause without KL that holds one is none of KL's."""
_SETTING = re.compile(
    r"\bkl[\s_-]*(penalty|coef\w*|target|loss|budget|threshold|limit|cap|controller|horizon)\b",
    re.IGNORECASE,
)
_LENGTH = re.compile(r"length|\blen\b", re.IGNORECASE)
_NO_TOKENS = re.compile(
    r"(?<![a-z])(characters?|chars?|words?|bytes?|sentences?|lines?|seconds?)(?![a-z])",
    re.IGNORECASE,
)
_OLD = frozenset({
    "old", "previous", "prev", "behaviour", "behavior", "behave", "consecutive", "successive",
})  # fmt: skip
_OTHERS = frozenset({
    "vllm", "sglang", "engine", "sampler", "teacher", "mismatch", "ema", "moving", "synced",
    "synchronised", "synchronized", "updated", "refreshed", "reset", "trailing", "lagged",
})  # fmt: skip
_INITIAL = frozenset({"ref", "reference", "initial", "init", "sft", "base", "pretrained"})
_PER = re.compile(
    r"(?:\bper[\s_-]+|/\s*)(prompt|question|batch|word|char|character|turn|gpu|device|minibatch"
    r"|microbatch|layer|sentence|query|byte)s?\b", re.IGNORECASE,
)  # fmt: skip
_SIGNS = re.compile(
    r"\b(ln|log)_?(2|10)?(\s+|\s*\(\s*)(of\s+)?(the\s+)?kl\b|\blog\s*scale|log\s*base"
    r"|\bbase[- ]?(2|10)\b|\blog[\s_-]?(2|10)\b|\bbatch[\s_-]*(sum|summed|total)\b"
    r"|\b(sum|sums|summed|total|totalled)\s+(over|across|of|in|for)\s+(the\s+|a\s+|each\s+|whole\s+"
    r"|all\s+|every\s+)*((mini|micro)[\s_-]?)?batch"
    r"|%|[×*]\s*\d|\bx\s*10+\b|\b10\s*\^|(?:\bby|\bin|[×*])\s*1e-?\d|1/1000"
    r"|\w\s*[×*·]\s*-?\s*kl\b|\bkl\w*\)?\s*[×*·]\s*\w"
    r"|(?:=|:|\bis|\bholds)\s*[-\u2212]\s*kl|\bminus\b|\bnegat(ive|ed)\b"
    r"|/\s*(mean_?)?(response_?)?length|over (the )?length|length[- ]normali[sz]ed",
    re.IGNORECASE,
)  # fmt: skip
_SUMMED = re.compile(
    r"\b(?:sum|sums|summed|total|totalled)\s+(?:over|across|of)\s+(?:the\s+|all\s+)*"
    r"(?:\d[\d,.]*\s+)?(?:responses|samples|completions|rollouts|sequences|answers|generations"
    r"|episodes|trajectories|prompts)\b", re.IGNORECASE,
)  # fmt: skip
"""A sum over many responses, which is one over a batch."""
_BARS = re.compile(r"(?<=[\w)])(\s*)\|\|(\s*)(?=[^\W\d]|\()")
"""The bars of KL(policy || reference), which part no clauses."""
_TURNED = re.compile(
    r"(?<![a-z])(?:ref|reference|init|initial|base|sft)(?:[\s_-]?(?:policy|model))?\)?\s*(?:"
    r"(?:\u2016|\u2225|->|=>|\u2192)|[\s_-]to[\s_-](?:the[\s_-])?(?:current[\s_-]|trained[\s_-]"
    r"|new[\s_-]|learned[\s_-]|rl[\s_-])*(?:policy|pi|actor|model)\b)", re.IGNORECASE,
)  # fmt: skip
"""The KL of the reference from the policy, which is another than that of the policy from it."""
_OLD_POLICY = re.compile(
    r"\bpi_?old\b|\blast (checkpoint|policy|iteration|step|update)|rollout (policy|engine)",
    re.IGNORECASE,
)
_ABOUT_TOKENS = re.compile(
    r"\bper[\s_-]?tok(en)?s?\b|\btoken[\s_-](level|mean|wise|averaged?)\b|/tok(en)?s?\b"
    r"|(averaged?|mean) over (the |all )?tokens", re.IGNORECASE,
)  # fmt: skip
_SHOWN = frozenset({
    "plot", "plots", "plotted", "plotting", "figure", "figures", "fig", "axis", "chart", "charts",
    "graph", "drawn", "abscissa",
})  # fmt: skip
_KEPT = frozenset({
    "logged", "log", "stored", "column", "file", "here", "values", "saved", "table", "written",
    "recorded",
})  # fmt: skip
"""Words by which a clause that speaks of a picture speaks of the numbers as well."""
_COUNTED = re.compile(
    r"\b\d[\d,.]*\s*[km]?\s+(?:[\w-]+\s+)?(?:responses|samples|completions|rollouts|sequences"
    r"|answers|generations|episodes|trajectories)\b"
    r"|\b(?:averaged?|mean) (?:over|across|of) (?:the |all )?(?:responses|samples|completions"
    r"|rollouts|sequences|answers|generations|episodes|trajectories)\b"
    r"|\b(?:after|of|to|max|up to|at most) \d[\d,.]*\s*[kmb]?\s+(?:new\s+)?tokens\b",
    re.IGNORECASE,
)  # fmt: skip
"""How many there were, which says nothing of the unit."""
_SENTENCE = re.compile(r"[\n;|\t]+|\.(?:\s+|$)")


@dataclass(frozen=True)
class Claim:
    """What one text says of KL: ``base`` nats or bits, ``over`` token or response; "" unsaid.

    ``policy`` is "" (none said), "initial_policy", "previous_policy" or "other"; ``odd`` is true
    where it speaks of the unit or the policy in a way that is not understood.
    """

    base: str
    over: str
    policy: str
    odd: bool
    quote: str


def claims(remarks: Iterable[str], key: str, columns: Sequence[str]) -> list[Claim]:
    """What remarks say of the KL in column ``key`` of a table with these columns."""
    found = []
    for remark in list(dict.fromkeys(remarks))[:MOST]:
        text = remark.strip().strip("#%/<>!-* \"'")[:LONGEST]
        cleaned = _BARS.sub("\\1\u2016\\2", _of_column(text, key, columns))
        for sentence in _SENTENCE.split(cleaned):
            found += [claim for claim in [_claim(sentence, columns)] if claim is not None]
    return list(dict.fromkeys(found))


def other_length(remarks: Iterable[str], key: str, columns: Sequence[str]) -> str:
    """What remarks say of a length in column ``key`` that is none in tokens; empty if nothing."""
    for remark in list(dict.fromkeys(remarks))[:MOST]:
        text = remark.strip().strip("#%/<>!-* \"'")[:LONGEST]
        for clause in re.split(r"[\n;|\t]+|,(?!\d)|\.\s", _of_column(text, key, columns)):
            about = _LENGTH.search(clause) or key in clause
            if about and _NO_TOKENS.search(clause) and "token" not in clause.lower():
                return _quote(clause)
    return ""


def _of_column(text: str, key: str, columns: Sequence[str]) -> str:
    """A remark of as many cells as there are columns, as what it says of one of them."""
    bare = re.sub(r"^\s*units?\s*[:=,]\s*", "", text, flags=re.IGNORECASE)
    for mark in ",;\t|":
        cells = bare.split(mark)
        if len(cells) == len(columns) > 2 and key in columns:
            if any(_KL & set(kl_headings.words(cell)) for cell in cells):
                return text
            return f"{key}: {cells[columns.index(key)].strip()}"
    return text


def _claim(sentence: str, columns: Sequence[str]) -> Claim | None:
    """What a sentence says: by the clause that names KL, and the next ones that name no other."""
    counted = _COUNTED.sub(" ", _SUMMED.sub("summed over the batch", sentence))
    clauses = [c for c in re.split(r",(?!\d)", counted) if c.strip()]
    heard = [set(kl_headings.words(clause)) for clause in clauses]
    about = next((i for i, claim_words in enumerate(heard) if claim_words & _KL), None)
    others = _COLUMNS | _names(columns)
    if about is None:
        if any(claim_words & (_NATS | _BITS) for claim_words in heard):
            about = next(i for i, claim_words in enumerate(heard) if claim_words & (_NATS | _BITS))
        elif _ABOUT_TOKENS.search(sentence) and not set().union(*heard) & others:
            return Claim("", "", "", True, _quote(sentence))
        else:
            return None
    end = about + 1
    while end < len(clauses) and not heard[end] & (others | _KL):
        if _over(set().union(*heard[about:end])):
            break
        end += 1
    return _claim_of(", ".join(clauses[about:end]), set().union(*heard[about:end]), sentence)


def _names(columns: Sequence[str]) -> set[str]:
    """Words of the table's other columns, by which a clause is known to be theirs."""
    words = {word for column in columns[:200] for word in kl_headings.words(column)}
    units = _KL | _TOKEN | _RESPONSE | _NATS | _BITS | _SUM
    return {word for word in words - units if len(word) > 3 and word not in ("mean", "unit")}


def _over(words_there: Collection[str]) -> set[str]:
    """Per what, as words say it: both where that is not sure."""
    words = set(words_there)
    token, response = bool(words & _TOKEN), bool(words & _RESPONSE)
    if token and words & _SUM and not words & _VOCABULARY:
        return {"response"}
    return {name for name, is_said in (("token", token), ("response", response)) if is_said}


def _claim_of(clause: str, words: set[str], sentence: str) -> Claim | None:
    base = {name for name, known in (("nats", _NATS), ("bits", _BITS)) if words & known}
    over = _over(words)
    scaled = bool(words & _SCALED or _SIGNS.search(clause) or _PER.search(clause))
    scaled = scaled or _TURNED.search(clause) is not None
    policy, torn = _policy(clause, words)
    if words & _SHOWN and not (words & _KEPT or base or over or policy or torn):
        return None  # how it was drawn
    plain = not scaled and not base
    if plain and words & _OTHER_THING and (not over or _SETTING.search(clause)):
        return None
    odd = scaled or torn or len(base) > 1 or len(over) > 1
    odd = odd or bool(words & _NOT and (base or over))
    if not (base or over or policy or odd):
        return None
    return Claim("".join(base) if len(base) < 2 else "", "".join(over) if len(over) < 2 else "",
                 policy, odd, _quote(sentence))  # fmt: skip


def _policy(clause: str, words: set[str]) -> tuple[str, bool]:
    """The policy from which a clause says that KL is, and whether it says two."""
    old = bool(words & _OLD or _OLD_POLICY.search(clause))
    other = bool(words & _OTHERS)
    initial = bool(words & _INITIAL)
    if initial and (old or other):
        return "", True
    return ("previous_policy" if old else "other" if other else
            "initial_policy" if initial else ""), False  # fmt: skip


def _quote(text: str) -> str:
    return one_line(text.strip().replace("\u2016", "||"))[:100]


_SAYS_UNIT = frozenset({
    "unit", "units", "per", "level", "normalization", "normalisation", "reduction", "aggregation",
    "agg",
})  # fmt: skip


def of_settings(settings: Mapping[str, Any]) -> list[str]:
    """Settings that say of a KL in which unit it is, as remarks; every other is passed by."""
    found = []
    for remark in of_object(settings):
        words = set(kl_headings.words(remark.partition(":")[0]))
        if (
            words & _KL
            and words & (_SAYS_UNIT | _TOKEN | _NATS | _BITS)
            and not words & _OTHER_THING
        ):
            found.append(remark)
    return found


def of_object(value: Any, above: str = "", deep: int = 4) -> list[str]:
    """The texts of an object, each with the keys above it, as remarks."""
    if isinstance(value, Mapping) and deep:
        named = next((value[k] for k in ("name", "column", "field", "key") if k in value), None)
        if isinstance(named, str) and above:
            rest = [f"{k} {v}" for k, v in value.items() if isinstance(v, str) and v != named]
            return [f"{named}: {', '.join(rest)}"[:LONGEST]]
        parts = [
            of_object(v, f"{above} {k}".strip(), deep - 1) for k, v in list(value.items())[:99]
        ]
        return [text for texts in parts for text in texts][:MOST]
    if isinstance(value, list) and deep and all(isinstance(v, (str, dict)) for v in value[:99]):
        if value and all(isinstance(v, str) for v in value):
            return [f"{above}: {', '.join(value[:99])}"[:LONGEST]]
        return [text for v in value[:99] for text in of_object(v, above, deep - 1)][:MOST]
    if isinstance(value, str) and value.strip():
        return [f"{above}: {value}"[:LONGEST]]
    if value is True:
        return [above]
    return []
