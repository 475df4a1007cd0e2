"""From paths, uploads and requests to segments: previews, imports, watches."""
