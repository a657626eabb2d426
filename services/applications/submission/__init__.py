"""Submit, withdraw and prove a submission: obstacles, receipts, tickets, paper codes, history."""
