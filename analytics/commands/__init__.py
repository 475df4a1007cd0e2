"""One module a command of ``python -m analytics``. Here results meet the store."""
