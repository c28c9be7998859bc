"""Training: TensorFlow's start, the order of the data, the loop, and the run around it."""
