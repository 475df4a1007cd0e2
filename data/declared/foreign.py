"""What other programs write: their names, their shapes."""

from __future__ import annotations

from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]
"""An object that another program wrote: a line of its log, its settings, its server's answer.

Nothing is promised of its keys and values; whoever reads one tests what is in it. What this program
itself writes has a type of its own.
"""
