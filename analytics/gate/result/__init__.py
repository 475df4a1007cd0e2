"""What the blocks say together, and what follows: due looks, power, words, the command."""
