"""Rounds, forms, applications and their states; what is owed to the other services."""
