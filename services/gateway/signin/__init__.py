"""Sign in through the city's identity platform (OIDC), ask staff for a second factor, sign out."""
