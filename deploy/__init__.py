"""Bring the services to life on one machine or many."""
