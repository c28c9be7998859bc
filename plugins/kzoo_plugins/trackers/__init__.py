"""kzoo's trackers of runs: TensorBoard, and behind extras MLflow and Weights & Biases."""
