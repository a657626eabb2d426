"""Show the pages of operators and auditors: queues, rounds, the audit."""
