"""The columns of every list, a list a file: a column is a row of its table."""
