"""Show the bureau's pages: the list of cases, a case, returns, scores, decisions."""
