"""What verdicts say: typed facts in, text out. Numbers are written by `analytics/wording.py`."""
