"""Runs for others: which files of one go out, free of what is this machine's, and the page that explains them."""
