"""List the routes of the stub."""

from dataclasses import dataclass

from aiohttp.typedefs import Handler

from services.gateway.stub_idp import (
    captchas,
    certificate_pages,
    endpoints,
    register_pages,
    registry,
    reset,
    reviewing,
    sign_in,
    unbinding,
)

PREFIX = "/stub-idp"
IDP = f"{PREFIX}/am/oauth2"


@dataclass(frozen=True)
class StubRoute:
    """One route. `limit`: how whoever serves the stub should count its calls: as `usual` ones, as tries to sign in, or, for what
    the portal itself calls, not at all. `files`: takes a scan, which may be larger than a form."""

    method: str
    path: str
    handler: Handler
    limit: str = "usual"
    files: bool = False


SIGN_IN, UNLIMITED = "sign_in", "unlimited"

ROUTES = [
    # the provider: signing in, tokens, attributes
    StubRoute("GET", f"{IDP}/authorize", sign_in.show_form, SIGN_IN),
    StubRoute("POST", f"{IDP}/authorize", sign_in.sign_in, SIGN_IN),
    StubRoute("POST", f"{IDP}/access_token", endpoints.token, UNLIMITED),
    StubRoute("GET", f"{IDP}/tokeninfo", endpoints.tokeninfo, UNLIMITED),
    StubRoute("GET", f"{IDP}/userinfo", endpoints.userinfo, UNLIMITED),
    StubRoute("GET", f"{IDP}/connect/jwk_uri", endpoints.jwks, UNLIMITED),
    StubRoute("GET", f"{PREFIX}/.well-known/openid-configuration", endpoints.configuration, UNLIMITED),
    StubRoute("GET", f"{PREFIX}/am/UI/Logout", endpoints.logout),
    # the legal-person registry
    StubRoute("GET", f"{PREFIX}/registry/{{uscc}}", registry.entry, UNLIMITED),
    # pages for enterprises
    StubRoute("GET", f"{PREFIX}/captcha/{{id}}/picture", captchas.picture, SIGN_IN),
    StubRoute("GET", f"{PREFIX}/captcha/{{id}}/sound", captchas.sound, SIGN_IN),
    StubRoute("GET", f"{PREFIX}/register", register_pages.first, SIGN_IN),
    StubRoute("POST", f"{PREFIX}/register", register_pages.identify, SIGN_IN, files=True),
    StubRoute("GET", f"{PREFIX}/register/{{id}}", register_pages.second, SIGN_IN),
    StubRoute("POST", f"{PREFIX}/register/{{id}}", register_pages.create, SIGN_IN),
    StubRoute("GET", f"{PREFIX}/registered", register_pages.third),
    StubRoute("GET", f"{PREFIX}/password", reset.forgotten, SIGN_IN),
    StubRoute("POST", f"{PREFIX}/password", reset.send_code, SIGN_IN),
    StubRoute("POST", f"{PREFIX}/password/new", reset.set_password, SIGN_IN),
    StubRoute("GET", f"{PREFIX}/certificate", certificate_pages.form, SIGN_IN),
    StubRoute("POST", f"{PREFIX}/certificate", certificate_pages.sign_in, SIGN_IN),
    StubRoute("POST", f"{PREFIX}/unbind", unbinding.ask, SIGN_IN, files=True),
    StubRoute("POST", f"{PREFIX}/unbind/continue", unbinding.go_on, SIGN_IN),
    # the platform's own reviewer, by the platform's own session
    StubRoute("GET", f"{PREFIX}/review/sign-in", reviewing.sign_in_form, SIGN_IN),
    StubRoute("POST", f"{PREFIX}/review/sign-in", reviewing.sign_in, SIGN_IN),
    StubRoute("POST", f"{PREFIX}/review/sign-out", reviewing.sign_out),
    StubRoute("GET", f"{PREFIX}/review", reviewing.queue),
    StubRoute("GET", f"{PREFIX}/review/{{id}}/scan", reviewing.scan),
    StubRoute("POST", f"{PREFIX}/review/{{id}}", reviewing.decide),
]
