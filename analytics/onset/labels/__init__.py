"""What gold is made of: judges, people beside a judge, prompts, and whether KL is what it says."""
