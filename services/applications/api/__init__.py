"""Thin handlers: read the request, open the transaction, call one use case, answer."""
