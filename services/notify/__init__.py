"""The ledger of notifications, the mails and the in-portal inbox."""
