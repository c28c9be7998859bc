"""Settings: what there is to set, what was set, and where each value came from."""
