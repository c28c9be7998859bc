"""What holds for all tests."""

import os

# Before anything imports TensorFlow, since several test modules do so at their top: as kzoo.training.runtime does.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
