"""`python -m services.documents worker`."""

import argparse
import sys

from services.documents.settings import DocumentsSettings
from shared import logs
from shared.settings import load


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.documents")
    parser.add_argument("command", choices=["worker"])
    parser.parse_args()
    settings = load(DocumentsSettings)
    logs.configure("documents", settings.log_level)
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
