"""Own rounds, forms, applications and their states, and what is owed to the other services."""
