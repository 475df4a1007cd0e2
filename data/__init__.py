"""Getting runs in and out: readers, spool, store. No Streamlit, no Plotly, no statistics."""

import os

# As in analytics, which comes too late where this room has loaded NumPy before.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from data.address_space import enough

enough()  # before what ends a process without a sentence is loaded

from data.outgoing.frames import answers_df, gold_df, runs_df, samples_df  # noqa: E402

__all__ = ["answers_df", "gold_df", "runs_df", "samples_df"]
