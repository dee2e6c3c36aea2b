"""The journal: segments of records that are written before anything else."""
