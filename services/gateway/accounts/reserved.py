"""Name the accounts that are the system's own: no identity provider may say that somebody is one of them."""

SYNTHETIC_SUBJECT = "synthetic applicant"
RESERVED = frozenset({SYNTHETIC_SUBJECT})
