"""Show the pages about one's own account: consent, personal data, sessions."""
