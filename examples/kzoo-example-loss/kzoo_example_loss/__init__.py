"""An example loss for kzoo."""
