"""All that is said of what one run is paid for, line by line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.paid_for.judge_words import judge_sentences
from analytics.paid_for.length_words import length_sentences
from analytics.paid_for.rival_words import rival_sentence, rivals_heading
from analytics.paid_for.signal_words import ask_sentence, signal_sentence
from analytics.wording import count, whole


def lines(document: Mapping[str, Any]) -> list[str]:
    """The whole document about one run, as the command prints it."""
    read = document["responses"]
    part = "" if read["read"] == read["logged"] else f"{whole(read['read'])} of "
    sentences = [f"{part}{count(read['logged'], 'logged response')}"]
    sentences += length_sentences(document["length"], read["unit"])
    sentences += judge_sentences(document["judge"])
    if document["rivals"] is not None:
        sentences += [
            rivals_heading(document["rivals"]),
            *map(rival_sentence, document["rivals"]["rivals"]),
        ]
    signals = document["without_gold"]
    sentences.append(ask_sentence(signals))
    return sentences + [
        signal_sentence(row) for row in signals["signals"] if row["value"] is not None
    ]
