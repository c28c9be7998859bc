"""The plugin system: hooks, entry points, what was found, and names for it."""
