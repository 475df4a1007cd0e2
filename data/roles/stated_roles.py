"""What somebody said of a project's logs: which key is what, and how it is read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class Roles:
    """What somebody said of a project's logs; None = as the reader recognised it."""

    proxy: str | None = None
    gold: str | None = None
    gold_kind: str | None = None
    kl: str | None = None
    kl_unit: str | None = None  # only for logs that do not say it themselves
    kl_estimator: str | None = None  # likewise
    kl_reference: str | None = None  # likewise
    kl_coefficient: str | None = None  # logged is minus this times KL
    length: str | None = None
    step: str | None = None  # what tells rows apart holds for later imports alone
    run_column: str | None = None
    lower_is_better: str | None = None  # a gold of which less is better
    question: str | None = None  # columns of graded answers, for later imports alone
    grade: str | None = None
    answer: str | None = None
    reference: str | None = None
    confidence: str | None = None
    topic: str | None = None
    grade_map: str | None = None  # what the grader's words mean

    def to_dict(self) -> dict[str, str | None]:
        """By field."""
        return asdict(self)


ROLE_NAMES = tuple(field.name for field in fields(Roles))
