"""Show what needs no sign-in: verification of a paper, 公示, unsubscribing."""
