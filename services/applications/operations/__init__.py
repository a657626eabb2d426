"""What runs the service from day to day: for the relay and for commands."""
