"""Keras's own losses, metrics, optimizers and regularizers under their Keras names."""
