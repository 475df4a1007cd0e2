"""What computations need: frames at the door, quantiles, arrays kept, fingerprints of code."""
