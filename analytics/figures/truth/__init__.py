"""Charts of answers and of loops: rates, calibration, topics, arms."""
