"""The plan: what a run makes and of what. It reads no data and imports nothing heavy."""
