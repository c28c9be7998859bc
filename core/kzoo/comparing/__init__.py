"""Runs beside each other: a grid of them trained, paired by seed, and judged by measures that no loss stands behind."""
