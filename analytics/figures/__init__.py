"""Frames to Plotly figures: the only place that draws."""
