"""What of a user's remaining history goes into a prompt."""
