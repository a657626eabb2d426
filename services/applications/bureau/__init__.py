"""What the bureau's pages show: one answer a page, read in one transaction. Nothing is decided here."""
