"""What the bureau's people tell each other about a case: notes with mentions, files of the desk, questions to several at once. No applicant,
expert or document is shown any of it."""
