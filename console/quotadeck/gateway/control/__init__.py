"""The admin API, and what happens to a command."""
