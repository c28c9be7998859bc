"""Tasks: what labels and outputs are, what is measured of them, and how predictions are written."""
