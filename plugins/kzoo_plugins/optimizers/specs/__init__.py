"""What is known of the optimizers without importing them, one file per family."""
