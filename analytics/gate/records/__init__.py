"""What a gate looks at: evidence, reviews, sealed gold, and bounds for all of it."""
