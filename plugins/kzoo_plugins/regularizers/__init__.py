"""Regularizers, one file per family."""
