"""Per-user results of a model."""
