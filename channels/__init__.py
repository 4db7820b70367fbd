"""Channel types, one file each. Nobody imports them by name: `distributor.registry` loads them by path."""
