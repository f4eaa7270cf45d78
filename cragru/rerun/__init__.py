"""Tell which jobs an edit of the code reruns."""
