"""Show the pages of operators and auditors: queues, the audit."""
