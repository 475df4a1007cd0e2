"""How much gold scatters: stated errors, the run's own scatter, prompts, smoothing."""
