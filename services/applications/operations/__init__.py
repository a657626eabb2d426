"""Run by itself or by operators: the relay, reminders, lapse, retention, sweeping, reconciliation, switches, the
audit.
"""
