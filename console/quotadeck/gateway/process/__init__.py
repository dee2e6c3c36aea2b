"""The gateway as a process: put together, started, told to end."""
