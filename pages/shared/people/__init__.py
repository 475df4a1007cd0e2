"""What people write, on pages: notes, pins, the weekly review."""
