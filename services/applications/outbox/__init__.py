"""Owe work to the queue in the transaction that causes it: documents, events, mails. `outbox.owe` is the door for
other features.
"""
