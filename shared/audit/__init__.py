"""Chain the rows of an audit, and anchor the chain's head outside the database."""
