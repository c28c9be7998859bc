"""The engine: TensorFlow's start, the order of the data, compiled steps, interruption."""
