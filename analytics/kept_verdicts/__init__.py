"""Verdicts of a store's runs: asked for, judged within a budget, kept."""
