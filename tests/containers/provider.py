"""An identity provider that nobody here wrote, and a legal-person registry, both behind TLS, for the containers' system."""

import argparse
import json
import os
import ssl
import threading

import uvicorn
import yaml
from aiohttp import web
from oidc_provider_mock import User, app

from deploy.embedded.system import ROOT

# The invented people and enterprises of the stub.
KNOWN = yaml.safe_load((ROOT / "services/gateway/stub_idp/accounts.yaml").read_text(encoding="utf-8"))
ENTERPRISES = {entry["UNION_CODE"]: entry for entry in KNOWN["enterprises"]}


def claims(person: dict[str, str]) -> dict[str, object]:
    """What the provider says of a person, in the usual claims of OpenID Connect."""
    found: dict[str, object] = {"name": person["name"]}
    if code := person.get("enterprise"):
        found |= {"uscc": code, "org_name": ENTERPRISES[code]["ORG_NAME"], "phone_number": person["mobile"]}
        found |= {"email": person["email"]}
    return found


async def entry(request: web.Request) -> web.Response:
    """Answer for the registry."""
    if request.headers.get("Authorization") != f"Bearer {os.environ['REGISTRY_KEY']}":
        return web.Response(status=401)
    found = ENTERPRISES.get(request.match_info["code"])
    return web.Response(status=404) if found is None else web.Response(text=json.dumps(found, ensure_ascii=False))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", required=True, help="chain and key in one file")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--registry-port", type=int, required=True)
    given = parser.parse_args()
    people = [User(sub=p["username"], claims=claims(p)) for p in KNOWN["people"]]
    provider = uvicorn.Server(
        uvicorn.Config(
            app(require_nonce=True, user_claims=people),
            interface="wsgi",
            host="0.0.0.0",
            port=given.port,
            ssl_certfile=given.certificate,
            log_config=None,
        )
    )
    threading.Thread(target=provider.run, daemon=True).start()
    registry = web.Application()
    registry.router.add_get("/registry/{code}", entry)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(given.certificate)
    web.run_app(registry, host="0.0.0.0", port=given.registry_port, ssl_context=tls, print=None)


if __name__ == "__main__":
    main()
