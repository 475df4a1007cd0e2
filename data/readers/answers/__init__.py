"""Answers to factual questions, evaluations and the metrics of loops."""
