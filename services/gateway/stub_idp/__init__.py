"""Stand in for the city's identity platform and the legal-person registry: an aiohttp application of its own.

It has its own settings, tables, routes, pages and commands, knows nothing of the gateway's code, and the gateway nothing of its;
the two speak over HTTP alone (sign-in, tokens, attributes, registry entries, back-channel logout). For development and
demonstration the gateway serves it below `/stub-idp`.
"""
