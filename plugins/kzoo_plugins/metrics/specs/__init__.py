"""What is known of the metrics without importing them, one file per family."""
