"""A stub of the city's identity platform and of the legal-person registry; off unless switched on."""
