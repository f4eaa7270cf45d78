"""Tables, from per-user results to CSV, Markdown and LaTeX."""
