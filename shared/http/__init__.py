"""Serve and describe HTTP the same way in every service: the application, routes, bodies, problems, OpenAPI."""
