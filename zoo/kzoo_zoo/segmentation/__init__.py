"""The class of every pixel of a picture: U-Nets for masks of the user's own; by itself, pets, or drawn shapes."""
