"""Carry a filled-in form over to another version of its form."""
