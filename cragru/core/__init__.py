"""What every room stands on: errors, names, random streams; it imports nothing of cragru."""
