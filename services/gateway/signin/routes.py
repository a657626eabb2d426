"""List the routes of signing in and out."""

from services.gateway.signin import back_channel, factor_pages, handlers
from services.gateway.web.access import ANYBODY, SIGNED_IN, Page
from services.gateway.web.limits import SIGN_IN

PAGES = [
    Page("GET", "/login", handlers.login, ANYBODY, limit=SIGN_IN),
    Page("GET", "/login/callback", handlers.callback, ANYBODY, limit=SIGN_IN),
    # The provider says that a session is over there; its signature proves it.
    # From one address the provider may end everybody's sessions; what is refused is counted.
    Page("POST", "/login/backchannel-logout", back_channel.logout, ANYBODY),
    Page("POST", "/logout", handlers.logout, SIGNED_IN, form=True, early=True),
    Page("GET", "/second-factor", factor_pages.ask, SIGNED_IN, early=True),
    Page("GET", "/second-factor/picture", factor_pages.picture, SIGNED_IN, early=True),
    Page("POST", "/second-factor", factor_pages.take, SIGNED_IN, form=True, early=True, limit=SIGN_IN),
]
