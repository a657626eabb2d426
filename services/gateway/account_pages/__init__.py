"""Pages about one's own account: consent, what is known of oneself, where one is signed in."""
