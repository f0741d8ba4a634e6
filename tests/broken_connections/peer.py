"""A provider's server on real sockets. A script breaks its connections; it records complete requests."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Exchange:
    """One connection, for the script of a peer."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    peer: "Peer"

    async def request(self) -> None:
        """Read a complete request."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        await self.reader.readexactly(int(lengths[0].partition(b":")[2]))
        self.peer.requests.append(head)

    async def answer(self, data: bytes = ACCEPTED) -> None:
        """Write bytes."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Reset the connection, as the kernel does for a killed process."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Exchange], Awaitable[None]]


@dataclass
class Peer:
    """A server that runs its script on each connection and then closes the connection."""

    script: Script
    port: int = 0
    connections: int = 0
    open_connections: int = 0
    max_open_connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    """The heads of complete requests."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Run the script on a connection."""
        self.connections += 1
        self.open_connections += 1
        self.max_open_connections = max(self.max_open_connections, self.open_connections)
        try:
            await self.script(Exchange(reader, writer, self))
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client closed the connection
        finally:
            self.open_connections -= 1
            writer.close()


@asynccontextmanager
async def running_peer(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """Run a peer on a free port for the length of the block."""
    peer = Peer(script)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(peer.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def accept_all(exchange: Exchange) -> None:
    """Accept all requests on the connection."""
    while True:
        await exchange.request()
        await exchange.answer()
