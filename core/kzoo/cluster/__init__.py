"""Ray: a cluster of its own or somebody's, its machines, and its errors in a paragraph each. It knows no run."""
