"""Generated calls of every form through a real gateway, held against the upstream's own bill."""
