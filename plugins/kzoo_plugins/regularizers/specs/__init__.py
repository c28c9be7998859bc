"""What is known of the regularizers without importing them, one file per family."""
