"""A process that answers: to which names, to whom, how it ends, what it says when it fails."""
