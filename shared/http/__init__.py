"""HTTP as every service of ours speaks it."""
