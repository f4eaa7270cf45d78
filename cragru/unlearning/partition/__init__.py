"""Ways to cut the deployed training data into shards, one module each."""
