"""Getting runs in and out: readers, spool, store. No Streamlit, no Plotly, no statistics."""
