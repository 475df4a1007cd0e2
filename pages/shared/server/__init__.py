"""Beside the pages: routes, work in the background, how pages are sent."""
