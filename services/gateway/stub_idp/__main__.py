"""`python -m services.gateway.stub_idp migrate|seed`. The stub is served by the gateway (GM_STUB_IDP)."""

import asyncio
from pathlib import Path

from services.gateway.stub_idp.certificates import make_demo_certificates
from services.gateway.stub_idp.models import SCHEMA
from services.gateway.stub_idp.people import seed
from services.gateway.stub_idp.settings import StubSettings
from shared import commands
from shared.database import in_transaction, migrate
from shared.settings import load, private_files


def main() -> None:
    private_files()
    command = commands.read("gateway.stub_idp", "migrate", "seed").command
    settings = load(StubSettings)
    if command == "migrate":
        migrate(settings, Path(__file__).parent / "migrations", SCHEMA)
    else:
        print(f"{asyncio.run(in_transaction(settings, seed))} demo accounts")
        if settings.stub_ca_file:
            make_demo_certificates(Path(settings.stub_ca_file))


if __name__ == "__main__":
    main()
