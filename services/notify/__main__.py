"""`python -m services.notify serve|worker|migrate|preflight`."""

import argparse
from pathlib import Path

from services.notify.settings import NotifySettings
from shared.observability import logs, tracing
from shared.settings import load, private_files


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.notify")
    parser.add_argument("command", choices=["serve", "worker", "migrate", "preflight"])
    parser.add_argument("--json", action="store_true", help="preflight: for programs instead of for people")
    given = parser.parse_args()
    private_files()
    settings = load(NotifySettings)
    logs.configure("notify-worker" if given.command == "worker" else "notify", settings.log_level)
    match given.command:
        case "serve":
            from services.notify.app import create_app
            from shared.http.server import run_app

            tracing.configure("notify", settings.traces_url, settings.traces_share)
            run_app(create_app(settings), settings.notify_host, settings.notify_port)
        case "worker":
            from services.notify.worker import run

            run(settings)
        case "preflight":
            from services.notify.preflight import findings
            from shared.preflight import tell

            raise SystemExit(tell(findings(settings), as_json=given.json))
        case "migrate":
            from services.notify.models import SCHEMA
            from shared.database import migrate

            migrate(settings, Path(__file__).parent / "migrations", SCHEMA)


if __name__ == "__main__":
    main()
