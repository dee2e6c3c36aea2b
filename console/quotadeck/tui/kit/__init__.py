"""What every page is made of: spans, lines, grids, columns, and the page itself."""
