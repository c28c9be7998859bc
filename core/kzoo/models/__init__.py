"""Saved models: files that find their components again."""
