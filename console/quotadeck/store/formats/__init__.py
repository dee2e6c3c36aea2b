"""Older formats of what is on disk, read and brought to the present one."""
