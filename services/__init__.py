"""Hold the four services. None imports another; they meet over HTTP and through messages."""
