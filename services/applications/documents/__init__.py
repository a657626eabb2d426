"""Turn a submitted revision or a letter into what the documents worker prints, and say how far it is."""
