"""What trainers and trackers write by themselves: event files, databases, dumps."""
