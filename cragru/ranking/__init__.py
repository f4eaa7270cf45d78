"""Rank items for each user, and score ranked lists."""
