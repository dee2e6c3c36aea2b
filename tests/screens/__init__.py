"""What each page and dialog looks like, kept as text in ``shots/`` and compared line by line."""
