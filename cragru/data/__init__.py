"""From a publisher's archive to the parts of a split."""
