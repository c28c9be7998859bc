"""Images of the user's own, one folder for each class; by itself, photos of cats and dogs."""
