"""Read and write what jobs keep: files, manifests, records."""
