"""All that is said of what one run is paid for, line by line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.paid_for.judge_words import judge_sentences
from analytics.paid_for.length_words import length_sentences
from analytics.paid_for.rival_words import rival_sentence, rivals_heading
from analytics.paid_for.signal_words import ask_sentence, signal_sentence
from analytics.wording import count, whole


def lines(told: Mapping[str, Any]) -> list[str]:
    """The whole document about one run, as the command prints it."""
    read = told["responses"]
    part = "" if read["read"] == read["logged"] else f"{whole(read['read'])} of "
    said = [f"{part}{count(read['logged'], 'logged response')}"]
    said += length_sentences(told["length"], read["unit"])
    said += judge_sentences(told["judge"])
    if told["rivals"] is not None:
        said += [rivals_heading(told["rivals"]), *map(rival_sentence, told["rivals"]["rivals"])]
    signals = told["without_gold"]
    said.append(ask_sentence(signals))
    return said + [signal_sentence(row) for row in signals["signals"] if row["value"] is not None]
