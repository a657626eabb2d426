"""Run a service's process as an HTTP server."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from shared.http.app import LEAVING, Leaving
from shared.settings import ListeningSettings


async def _settle(_: web.Application) -> None:
    """What lives now lives as long as the process. Looked through again and again it would stop every request for a fifth of
    a second at a time."""
    gc.collect()
    gc.freeze()


def run_app(app: web.Application, host: str, port: int, settings: ListeningSettings) -> None:
    """Serve until SIGTERM; requests that have begun get 20 s to end. The settings' `ready_file` exists while connections are
    taken.

    For `drain_seconds` before that, requests are still taken while `/healthz` says that this process is leaving: whoever
    balances looks there and sends the next ones elsewhere. A second SIGTERM ends it at once.
    """
    app[LEAVING] = leaving = Leaving()
    app.on_startup.append(_settle)
    app.on_response_prepare.append(_last_on_its_connection)
    ready = Path(settings.ready_file) if settings.ready_file else None

    def listening(*_: object) -> None:
        # aiohttp tells that it listens by printing so, and in no other way.
        if ready is not None:
            ready.touch()

    if drain := settings.drain_seconds:

        async def draining(_: web.Application) -> AsyncIterator[None]:
            loop = asyncio.get_running_loop()

            def begin() -> None:
                if leaving.begun:
                    raise web.GracefulExit
                leaving.begun = True
                loop.call_later(drain, _end)

            # In place of the server's own, which was added before the application started.
            loop.add_signal_handler(signal.SIGTERM, begin)
            yield

        app.cleanup_ctx.append(draining)
    try:
        web.run_app(
            app,
            host=host,
            port=port,
            reuse_port=settings.reuse_port,
            print=listening,
            access_log=None,
            shutdown_timeout=20,
        )
    finally:
        if ready is not None:
            ready.unlink(missing_ok=True)


def _end() -> None:
    raise web.GracefulExit


async def _last_on_its_connection(request: web.Request, response: web.StreamResponse) -> None:
    """A connection that is kept open would outlive the balancer's look."""
    if request.config_dict[LEAVING].begun:
        response.force_close()
        response.headers["Connection"] = "close"
