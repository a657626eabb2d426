"""Show the pages of 申报批次: officers write rounds, somebody else publishes them, operators read them."""
