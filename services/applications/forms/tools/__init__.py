"""Tools for the people who write forms: lint, schema, diff, publish. No web server, no database."""
