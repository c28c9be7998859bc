"""Makes the site: `python -m website` writes its pages into `build/` and has zensical build them."""
