"""Counting the fingers of a hand before a camera."""
