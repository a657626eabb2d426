"""Answer whole pages: read models that several features make up, each by one call, in one transaction, with the form judged once.
Nothing is imported from outside but the route table."""
