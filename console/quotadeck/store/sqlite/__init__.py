"""The ledger's SQLite file: its tables, the fold into them, and its one writer."""
