"""Read and write texts as people type them: amounts, identifiers, file names, printable characters, JSON."""
