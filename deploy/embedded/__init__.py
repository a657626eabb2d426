"""Run every part of the system on one machine, under one folder: the embedded default."""
