"""What a log's KL is: its estimator, unit and error, from words and numbers beside it."""
