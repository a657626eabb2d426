"""Run commands of services one after the other in one process, which loads their libraries once.

`python -m deploy.embedded.prepare` reads from its standard input a list of [service, command, environment]. The first command
that fails ends it; the last line says why.
"""

import json
import os
import runpy
import sys


def main() -> None:
    for service, command, environment in json.load(sys.stdin):
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = [service, command]
        try:
            runpy.run_module(f"services.{service}", run_name="__main__", alter_sys=True)
        except SystemExit as ended:
            if ended.code:
                # A number: why has been said.
                sys.exit(ended.code if isinstance(ended.code, int) else f"{service} {command}: {ended.code}")
        except Exception as error:
            # The type first: the last line that names an error is the reason.
            sys.exit(f"{type(error).__name__} in {service} {command}: {' '.join(str(error).splitlines()[:1])}")


if __name__ == "__main__":
    main()
