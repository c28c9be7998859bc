"""Trained models in use: measured on data, and asked for predictions."""
