"""The audit: sealed as it grows, read by auditors only."""
