"""Prompts, and the language models that answer them."""
