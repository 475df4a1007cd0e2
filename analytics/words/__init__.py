"""Words beside those of numbers: names from logs, notes as told, steps as a command takes them."""
