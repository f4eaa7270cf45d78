"""Unlearning methods and their contract."""
