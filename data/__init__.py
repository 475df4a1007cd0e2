"""Getting runs in and out: readers, spool, store. No Streamlit, no Plotly, no statistics."""

from data.frames import answers_df, gold_df, runs_df, samples_df

__all__ = ["answers_df", "gold_df", "runs_df", "samples_df"]
