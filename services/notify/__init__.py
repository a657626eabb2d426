"""Keep the ledger of notifications, send the mails, show the in-portal inbox."""
