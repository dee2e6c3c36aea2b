"""The screens an operator goes to, a file each."""
