"""Write the generated pages of `docs/`: decisions, errors, routes, settings, states. `python -m deploy.docs` (`make docs`)."""
