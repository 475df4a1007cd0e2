"""A release gate for a self-improvement loop: six blocks, limits that people wrote down.

`judge(Evidence(...), read_policy(text))` answers PASS, FAIL, NOT SHOWN or NOT MEASURED with the
reasons. It never says that a model is harmless: a PASS is the absence of a blocking finding.
"""

from analytics.gate.records.evidence import Evidence, GateError
from analytics.gate.result.verdict import Gate, judge
from analytics.gate.rules.limits import proposal
from analytics.gate.rules.policy import Policy, PolicyError, default, loosened, read_policy

__all__ = [
    "Evidence", "Gate", "GateError", "Policy", "PolicyError", "default", "judge", "loosened",
    "proposal", "read_policy",
]  # fmt: skip
