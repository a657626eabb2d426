"""Judge one filled-in form: read values, validate them, tell each section's state."""
