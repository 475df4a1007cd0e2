"""What a process keeps for all its readers: the store, answers, verdicts, figures."""
