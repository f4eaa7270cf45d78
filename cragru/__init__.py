"""cragru: recommendation unlearning with retrieval-augmented generation, and what it compares against."""
