"""Configuration: models, checks, and the JSON schemas generated from them."""
