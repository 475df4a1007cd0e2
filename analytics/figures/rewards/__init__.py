"""The main chart: proxy and gold over KL or steps, the peak, the alarm and the forecast."""
