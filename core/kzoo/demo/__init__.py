"""A model tried out in a browser: pictures, its camera, rows; by a page that asks nothing of other machines."""
