"""The embedded default: every part of the system on one machine, under one folder."""
