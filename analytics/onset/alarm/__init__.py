"""Whether gold has fallen: tests at each evaluation, their witness, and what they stand for."""
