"""Serve programs, and the scripts of open pages: the public API passed on, its description, live events."""
