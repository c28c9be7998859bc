"""Trained models as files of other programs: written, replayed beside the original, and refused where they differ."""
