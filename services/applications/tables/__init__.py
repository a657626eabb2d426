"""Define every table of the service, one file an area. Rows only: no queries and no rules."""
