"""Hold the four services. None imports another; they meet over HTTP and through messages."""

import gc

# Python looks for cycles after every 700 new objects: of a start, which makes nothing but what stays, that is a fifth, and of a request
# a twentieth (docs/decisions/0351).
gc.set_threshold(10_000, 10, 50)
