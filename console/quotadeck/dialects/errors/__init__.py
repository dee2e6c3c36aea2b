"""Refusals as every dialect tells them: the words and facts are one table's, each has its shape."""
