"""Pure functions over Polars frames and NumPy arrays: no files, no database, no screen."""

import os

# Matrices here are small: a second BLAS thread doubles the CPU of a verdict and saves no time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
