"""Start processes for work that may hang, eat memory or crash: they are ended without harm to the server."""

import multiprocessing
import resource
from multiprocessing.context import BaseContext

MEMORY = 1536 * 1024 * 1024
_PRELOADED: set[str] = set()


def limit_memory() -> None:
    """Bound what this process may use."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def fork_server(*modules: str) -> BaseContext:
    """Return what starts such processes: forks of one small process without threads that has loaded these modules, and all those
    named before, once. A fork of the server itself may stop at a lock that nobody will open; a spawned process loads everything anew."""
    _PRELOADED.update(modules)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(sorted(_PRELOADED))
    return context
