"""A small HTTP service; a client asks it a few times, and each request has a profile."""

from __future__ import annotations

import asyncio
import json
import sys

from application_sdk.monitoring import flamegraph, memory_profile
from examples.showing import show

REQUESTS = 3


def primes(limit: int) -> list[int]:
    """The primes below a limit."""
    sieve = bytearray([1]) * limit
    sieve[:2] = b"\0\0"
    for number in range(2, int(limit**0.5) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return [number for number in range(limit) if sieve[number]]


@memory_profile
@flamegraph
async def answer(path: str) -> bytes:
    """The body for a path such as ``/300000``."""
    found = await asyncio.to_thread(primes, int(path.strip("/")))
    await asyncio.sleep(0.01)
    return json.dumps({"primes": len(found)}).encode()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request."""
    request = await reader.readuntil(b"\r\n\r\n")
    body = await answer(request.split()[1].decode())
    writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    await writer.drain()
    writer.close()


async def ask(port: int, limit: int) -> str:
    """The service's answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /%d HTTP/1.0\r\n\r\n" % limit)
    answered = await reader.read()
    writer.close()
    return answered.partition(b"\r\n\r\n")[2].decode()


async def main() -> list[str]:
    """Serve on a free port, and ask."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return list(await asyncio.gather(*(ask(port, 300_000) for _ in range(REQUESTS))))


if __name__ == "__main__":
    sys.exit(show("python -m examples.plain_asyncio", lambda: asyncio.run(main())))
