"""Data: splits read by index, sources, cache, downloads and image files."""
