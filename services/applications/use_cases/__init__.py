"""One story a file: load, authorise, validate, move, record. The edge opens the transaction."""
