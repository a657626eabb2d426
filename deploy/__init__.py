"""How the services are brought to life on one machine or many."""
