"""A virus scanner that speaks clamd's protocol on a real socket. It finds EICAR's test string and nothing else."""

import asyncio

from deploy.embedded.ports import free_port

# Written in two halves, so that no scanner takes this file for the real thing.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()


class ClamdServer:
    """`limit` is its StreamMaxLength; `silent` makes it take a file and never answer."""

    def __init__(self) -> None:
        self.port = free_port()
        self.limit = 25_000_000
        self.silent = False
        self.seen: list[int] = []
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
            content = bytearray()
            while length := int.from_bytes(await reader.readexactly(4), "big"):
                content += await reader.readexactly(length)
                if len(content) > self.limit:
                    writer.write(b"INSTREAM size limit exceeded. ERROR\0")
                    await writer.drain()
                    return
            self.seen.append(len(content))
            if self.silent:
                await reader.read()
                return
            writer.write(b"stream: Eicar-Test-Signature FOUND\0" if EICAR in content else b"stream: OK\0")
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
