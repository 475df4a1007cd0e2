"""The review sheet: pairs drawn, blinded, in random order; and the filled one read back.

Nothing in the file says which response is whose. Sides, order and ids follow from the texts by a
hash, so a filled sheet is understood from the store's generations alone, and no key has to be kept.
(Whoever holds the generations could look a response up there: reviewers get the sheet alone.)
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from analytics.wording import count, whole

COLUMNS = ("item_id", "prompt", "response_a", "response_b", "preferred", "rater", "note")
"""Heads of the sheet; a reviewer fills `preferred` (a, b or tie), `rater` and, at will, `note`."""
WORDS = {"a": "a", "b": "b", "tie": "tie", "=": "tie", "equal": "tie", "same": "tie", "both": "tie"}
REVIEWS = {
    "loop": pl.String, "iteration": pl.Int64, "item_id": pl.String, "prompt": pl.String,
    "response_a": pl.String, "response_b": pl.String, "origin_a": pl.String,
    "origin_b": pl.String, "proxy_a": pl.Float64, "proxy_b": pl.Float64, "rater": pl.String,
    "preferred": pl.String, "graded_at": pl.String, "slice": pl.String,
}  # fmt: skip
"""Columns of the table `reviews`."""
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A cell that begins so is a formula to a spreadsheet (OWASP, CSV injection)."""


class SheetError(ValueError):
    """A sheet that cannot be drawn or read back, in a sentence with line and column."""


@dataclass(frozen=True)
class Returned:
    """A filled sheet as rows of `reviews`, and how many items were left empty."""

    rows: pl.DataFrame
    empty: int


def draw(
    generations: pl.DataFrame, loop: str, iteration: int, release: int, items: int, top: int,
    escalation: int = 0, words: Sequence[str] = (),
) -> pl.DataFrame:  # fmt: skip
    """Pairs to be reviewed, one a prompt: the new model's response and the last release's.

    Of `items` prompts, `top` are those whose best new response has the highest proxy, and there
    each model's best response stands (the winner's curse shows in it); of the others a response
    is drawn at random from each.

    Args:
        generations: iteration, prompt, text_id, text, proxy_reward of one loop.
        escalation: so many of the prompts that hold one of `words` are drawn first.

    Returns:
        the pairs with their `slice`: random, top_proxy or escalation.

    Raises:
        SheetError: the two iterations share no prompt.
    """
    pairs = _pairs(generations, loop, iteration, release)
    if pairs.is_empty():
        raise SheetError(
            f"{loop}: iterations {iteration} and {release} share no prompt with different "
            "responses in the table generations: nothing can be compared"
        )
    drawn = pairs.filter(~pl.col("best")).sort("order")
    hard = drawn.filter(is_escalation(words)).head(min(escalation, items))
    best = pairs.filter("best", pl.col("proxy_new").is_not_null()).join(
        hard, on="prompt", how="anti"
    )
    first = best.sort("proxy_new", "item_id", descending=[True, False]).head(
        min(top, items - hard.height)
    )
    rest = drawn.join(pl.concat([hard, first]), on="prompt", how="anti")
    parts = {"escalation": hard, "top_proxy": first,
             "random": rest.head(max(0, items - hard.height - first.height))}  # fmt: skip
    return pl.concat([part.with_columns(slice=pl.lit(name)) for name, part in parts.items()]).sort(
        "order"
    )


def is_escalation(words: Sequence[str]) -> pl.Expr:
    """Whether a prompt holds one of the words, in any case."""
    folded = [word.casefold() for word in words if word.strip()]
    if not folded:
        return pl.lit(False)
    return pl.col("prompt").str.to_lowercase().str.contains_any(folded)


def sheet(pairs: pl.DataFrame) -> str:
    """The CSV for reviewers: blinded, formulas guarded, with a mark that Excel reads as UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in pairs.iter_rows(named=True):
        cells = [row["item_id"], row["prompt"], *_sides(row, "text"), "", "", ""]
        writer.writerow([guarded(cell) for cell in cells])
    return "\ufeff" + out.getvalue()


def guarded(cell: str | None) -> str:
    """A cell that no spreadsheet takes for a formula.

    >>> guarded("=cmd()"), guarded("plain"), guarded(" -1")
    ("'=cmd()", 'plain', "' -1")
    """
    text = (cell or "").replace("\x00", "")
    return f"'{text}" if text.lstrip(" ").startswith(STARTS) or text[:1] in STARTS else text


def read_back(
    text: str, generations: pl.DataFrame, loop: str, iteration: int, graded_at: str,
    rater: str | None = None, words: Sequence[str] = (),
) -> Returned:  # fmt: skip
    """A filled sheet as rows of `reviews`: sides undone by the ids, not by what the cells hold.

    Args:
        graded_at: when it came back, for the rows.
        rater: who judged, where the column `rater` is empty.
        words: what makes a prompt an escalation case, as when the sheet was drawn.

    Raises:
        SheetError: a head is missing, an id is not of this loop and iteration, an answer is not
            a, b or tie, nobody is named, an item is judged twice: with line and column.
    """
    known = _known(generations, loop, iteration, words)
    made, empty = [], 0
    seen: set[tuple[str, str]] = set()
    for line, row in _rows(text):
        answer = (row.get("preferred") or "").strip().casefold()
        if not answer:
            empty += 1
            continue
        item = (row["item_id"] or "").strip().removeprefix("'")
        who = (row.get("rater") or "").strip() or (rater or "").strip()
        _check_row(
            line,
            item=item,
            answer=answer,
            who=who,
            known=known,
            seen=seen,
            loop=loop,
            iteration=iteration,
        )
        seen.add((item, who))
        made.append({**known[item], "rater": who, "preferred": WORDS[answer],
                     "graded_at": graded_at})  # fmt: skip
    return Returned(pl.DataFrame(made, schema=REVIEWS), empty)


def _check_row(
    line: int, item: str, answer: str, who: str, known: dict[str, dict[str, object]],
    seen: set[tuple[str, str]], loop: str, iteration: int,
) -> None:  # fmt: skip
    if item not in known:
        raise SheetError(
            f"line {line}, column item_id: {item!r} is no item of {loop}, iteration {iteration}; "
            "expected an id of a sheet that was made here, and the same generations in the store"
        )
    if answer not in WORDS:
        raise SheetError(
            f"line {line}, column preferred: {answer!r}; expected a, b or tie (or nothing)"
        )
    if not who:
        raise SheetError(f"line {line}, column rater: nobody is named; expected who judged it")
    if (item, who) in seen:
        raise SheetError(f"line {line}: {who} judged item {item} twice; expected one row")


def _rows(text: str) -> list[tuple[int, dict[str, str]]]:
    """(line, cells by head); what stands between cells is what the heads are parted by."""
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    parted = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=parted)
    try:
        lines = [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise SheetError(f"line {reader.line_num}: this is not a table: {error}") from error
    heads = [cell.strip().casefold() for cell in lines[0][1]] if lines else []
    for wanted in ("item_id", "preferred"):
        if wanted not in heads:
            raise SheetError(f"line 1: there is no column {wanted}; expected {', '.join(COLUMNS)}")
    return [
        (line, dict(zip(heads, cells, strict=False))) for line, cells in lines[1:] if any(cells)
    ]


def _known(
    generations: pl.DataFrame, loop: str, iteration: int, words: Sequence[str]
) -> dict[str, dict[str, object]]:
    """Every item that a sheet of this iteration could hold, unblinded."""
    made: dict[str, dict[str, object]] = {}
    for before in range(iteration):
        for row in _pairs(generations, loop, iteration, before).with_columns(
            hard=is_escalation(words)
        ).iter_rows(named=True):  # fmt: skip
            text, proxy = _sides(row, "text"), _sides(row, "proxy")
            origin = _sides({**row, "origin_new": f"iteration {iteration}",
                             "origin_old": f"iteration {before}"}, "origin")  # fmt: skip
            part = "top_proxy" if row["best"] else "escalation" if row["hard"] else "random"
            made[row["item_id"]] = {
                "loop": loop, "iteration": iteration, "item_id": row["item_id"],
                "prompt": row["prompt"], "response_a": text[0], "response_b": text[1],
                "origin_a": origin[0], "origin_b": origin[1], "proxy_a": proxy[0],
                "proxy_b": proxy[1], "slice": part,
            }  # fmt: skip
    return made


def _sides(row: dict[str, object], stem: str) -> tuple[object, object]:
    new, old = row[f"{stem}_new"], row[f"{stem}_old"]
    return (new, old) if row["new_is_a"] else (old, new)


def _pairs(generations: pl.DataFrame, loop: str, iteration: int, before: int) -> pl.DataFrame:
    """For each shared prompt the pair drawn at random and the pair of best proxies."""
    sides = [_chosen(generations, loop, at) for at in (iteration, before)]
    both = sides[0].join(sides[1], on=["prompt", "best"], suffix="_old").rename(
        {"text": "text_new", "text_id": "text_id_new", "proxy": "proxy_new",
         "proxy_old": "proxy_old"}
    )  # fmt: skip
    both = both.filter(pl.col("text_new") != pl.col("text_old")).sort("prompt", "best")
    keys = [
        "\x1f".join(str(part) for part in (loop, iteration, before, *row))
        for row in both.select("prompt", "best", "text_id_new", "text_id_old").iter_rows()
    ]
    return both.with_columns(
        item_id=pl.Series([_item_id(key) for key in keys], dtype=pl.String),
        new_is_a=pl.Series([int(_hash("side", key)[:2], 16) % 2 == 0 for key in keys],
                           dtype=pl.Boolean),
        order=pl.Series([_hash("order", key) for key in keys], dtype=pl.String),
    ).unique("item_id", keep="first", maintain_order=True)  # fmt: skip


def _chosen(generations: pl.DataFrame, loop: str, iteration: int) -> pl.DataFrame:
    """Of each prompt one response drawn at random (`best` false) and that of the best proxy."""
    there = generations.filter(
        pl.col("iteration") == iteration, pl.col("prompt").is_not_null(),
        pl.col("text").is_not_null(), pl.col("text_id").is_not_null(),
    ).select("prompt", "text_id", "text", proxy="proxy_reward")  # fmt: skip
    lot = [_hash("lot", f"{loop}\x1f{iteration}\x1f{text_id}") for text_id in there["text_id"]]
    there = there.with_columns(lot=pl.Series(lot, dtype=pl.String)).sort("lot")
    any_one = there.unique("prompt", keep="first", maintain_order=True)
    best = there.sort("proxy", descending=True, nulls_last=True, maintain_order=True).unique(
        "prompt", keep="first", maintain_order=True
    )
    return pl.concat(
        [any_one.with_columns(best=pl.lit(False)), best.with_columns(best=pl.lit(True))]
    ).drop("lot")


def _item_id(key: str) -> str:
    """Begins with a letter: a spreadsheet takes "12e4" for a number."""
    return f"r{_hash('item', key)[:11]}"


def _hash(what: str, text: str) -> str:
    return hashlib.blake2b(f"{what}\x1f{text}".encode(), digest_size=16).hexdigest()


def returned_sentence(back: Returned) -> str:
    """What came back."""
    raters = back.rows["rater"].n_unique()
    left = f", {whole(back.empty)} left empty" if back.empty else ""
    return f"{count(back.rows.height, 'judgement')} by {count(raters, 'rater')}{left}."
