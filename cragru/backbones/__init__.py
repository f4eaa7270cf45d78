"""Recommenders and their training."""
