"""Sign-in, sessions, the pages people see, and the way to the other services."""
