"""The command line: parse, draw, nothing else."""
