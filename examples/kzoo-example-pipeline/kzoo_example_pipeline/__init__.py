"""A pipeline for kzoo: photos of surfaces, told apart by their texture."""
