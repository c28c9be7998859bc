"""A search over settings: trials on Optuna, each an ordinary run, and the winner trained again with new seeds."""
