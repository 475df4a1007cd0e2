"""What columns and keys are called, and what a user said of them."""
