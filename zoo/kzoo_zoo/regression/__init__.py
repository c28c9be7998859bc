"""The regression pipeline: numbers from the columns of a table."""
