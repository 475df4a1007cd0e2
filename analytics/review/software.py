"""What made a verdict: detector settings and versions, for whoever looks at it months later."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from analytics.onset.alarm import spending
from analytics.onset.alarm.many_runs import RATE
from analytics.onset.curves import peak

LIBRARIES = ("polars", "numpy", "scipy", "plotly", "duckdb", "streamlit")


def detector_settings() -> dict[str, float]:
    """The levels that the detector goes by: of the alarm, of the peak's interval, among runs."""
    return {
        "false alarms a run, at most": spending.ALPHA,
        "of a stated plan": spending.PLANNED_ALPHA,
        "interval of the peak": peak.LEVEL,
        "false among the alarms that stand": RATE,
    }


def software(method: str) -> str:
    """The method's fingerprint and the versions of what it runs on.

    method: fingerprint of the code that judges.
    """
    return f"method {method}, Python {platform.python_version()}, {', '.join(_libraries())}"


def _libraries() -> list[str]:
    found = []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found
