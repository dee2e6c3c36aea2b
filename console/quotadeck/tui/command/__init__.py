"""What is typed instead of pressed: the command line, the list of all that can be done, copies."""
