"""Apply to the system every minute as an applicant does, and say whether it went well (`shared/synthetic.py`)."""
