"""A loop's iterations beside each other: a row a question, a cell an iteration, and its test."""
