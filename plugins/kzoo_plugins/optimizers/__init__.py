"""Optimizers and learning-rate schedules, one file per family."""
