"""`python -m services.documents worker|preflight`."""

import sys

from services.documents.settings import DocumentsSettings
from shared import commands
from shared.observability import logs
from shared.settings import load, private_files


def main() -> None:
    private_files()
    given = commands.read("documents", "worker", preflight=commands.preflight)
    settings = load(DocumentsSettings)
    logs.configure("documents", settings.log_level)
    if given.command == "preflight":
        from services.documents.preflight import findings
        from shared.preflight import tell

        raise SystemExit(tell(findings(settings), as_json=given.json))
    from services.documents import libraries

    try:
        libraries.require()
    except libraries.Missing as missing:
        sys.stderr.write(f"documents worker cannot start: {missing}\n")
        raise SystemExit(3) from None
    from services.documents.worker import run

    run(settings)


if __name__ == "__main__":
    main()
