"""Squared error that forgives small mistakes."""
