"""Read what people write: paths, texts, YAML, spreadsheets."""
