"""What each trainer calls things and what its KL is, from its source."""
