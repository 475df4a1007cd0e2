"""Which checkpoint is best, without believing the luck of the best."""
