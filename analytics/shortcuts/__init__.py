"""Shortcuts: what a policy does more and more because the proxy pays for it."""

from analytics.shortcuts.found import Mined as Mined
from analytics.shortcuts.found import Shortcut as Shortcut
from analytics.shortcuts.found import asked_of as asked_of
from analytics.shortcuts.found import which_have as which_have
from analytics.shortcuts.mining import mine as mine
