"""The zoo: one package for each pipeline."""
