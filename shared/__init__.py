"""Hold what crosses a wall between services, and nothing else."""
