"""What every key does: one table, bound by id, so that any key can be another."""
