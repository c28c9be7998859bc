"""Pictures as vectors: those of a kind lie near each other."""
