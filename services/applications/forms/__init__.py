"""Define the language of the forms, and what follows from a definition. No I/O but the catalogue's files."""
