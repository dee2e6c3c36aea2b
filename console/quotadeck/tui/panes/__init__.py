"""The parts of pages, a part a file: each draws itself from a picture."""
