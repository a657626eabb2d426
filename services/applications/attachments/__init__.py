"""Attachments: how a file comes in and what is done with it."""
