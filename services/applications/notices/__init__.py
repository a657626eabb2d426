"""Show, write and try 申报通知, and take its files. What a notice is: `rounds/notices.py`; what it asks: `filling/eligibility.py`."""
