"""`python -m deploy.docs`: write the generated pages; `--check` writes nothing and ends with 1 when one is not current."""

import argparse
import sys

from deploy.docs.pages import current, outdated, pages


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.docs", description="Write the generated pages of docs/."
    )
    parser.add_argument(
        "--check", action="store_true", help="name the pages that are not current, and write nothing"
    )
    if parser.parse_args().check:
        names = outdated()
        print("\n".join(f"{name} is not current: run `make docs`" for name in names), file=sys.stderr)
        return 1 if names else 0
    for path, text in pages().items():
        if current(path) != text:
            path.write_text(text, encoding="utf-8")
            print(path)
    return 0


sys.exit(main())
