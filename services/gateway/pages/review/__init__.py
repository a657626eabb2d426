"""The review desk: the queue, one case, and what is done to it."""
