"""What is known of the losses without importing them, one file per family."""
