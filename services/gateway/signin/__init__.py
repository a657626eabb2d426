"""Signing in: the OAuth 2 client of the city's identity platform."""
