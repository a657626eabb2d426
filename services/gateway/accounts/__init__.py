"""Keep accounts, browser sessions, roles and a person's own data."""
