"""What kzoo itself puts around components in a model; each is found again when the model is loaded."""
