"""Measurements, their pooling and contrasts, and Gao's curves."""
