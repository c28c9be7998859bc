"""Small colour photos of ten classes."""
