"""Notes as they are told: what was decided, by whom, until when, and about what."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from analytics.wording import whole

DECISIONS = {
    "continue": "continue",
    "stop": "stop",
    "roll_back": "roll back",
    "re_evaluate": "re-evaluate",
    "escalate": "escalate",
}
"""What a review can decide, in words."""

Note = Mapping[str, Any]


def decided(note: Note, today: datetime.date | None = None) -> str:
    """What was decided, who does it, until when; empty where nothing was.

    Args:
        note: a row of the question "notes".
        today: marks what is overdue.

    >>> decided({"decision": "roll_back", "owner": "Bob", "due": "2026-12-04"})
    'roll back · Bob · due 2026-12-04'
    """
    if not note.get("decision"):
        return ""
    parts = [DECISIONS.get(note["decision"], str(note["decision"]))]
    parts += [str(note["owner"])] if note.get("owner") else []
    if note.get("due"):
        late = overdue(note, today)
        parts.append(f"due {note['due']}{', overdue' if late else ''}")
    return " · ".join(parts)


def overdue(note: Note, today: datetime.date | None) -> bool:
    """Whether what was decided should have been done before today; "continue" asks for nothing."""
    if today is None or not note.get("due") or note.get("decision") == "continue":
        return False
    return datetime.date.fromisoformat(str(note["due"])) < today


def about(note: Note) -> str:
    """The part of its subject that a note is about; empty where it is the whole.

    >>> about({"step": 1200}), about({"iteration": 3, "topic": "law"}), about({})
    ('step 1,200', 'iteration 3, law', '')
    """
    parts = []
    if note.get("step") is not None:
        parts.append(f"step {whole(note['step'])}")
    if note.get("iteration") is not None:
        parts.append(f"iteration {note['iteration']}")
    if note.get("topic"):
        parts.append(str(note["topic"]))
    return ", ".join(parts)


def when(note: Note) -> str:
    """When it was written, to the minute.

    >>> when({"at": "2026-11-28T20:15:03+00:00"})
    '2026-11-28 20:15'
    """
    return str(note["at"])[:16].replace("T", " ")
