"""Certificates of deletion requests: what was removed, what was built after it, what was checked, what remains."""
