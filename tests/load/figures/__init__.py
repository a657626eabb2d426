"""`make bench`: what our work costs beside doing the same without it, and whether it grows."""
