"""What people say and write: notes, pins, reviews, seals, policies, a project's roles."""
