"""Pictures of components, computed from them: what they make of labels, weights and steps."""
