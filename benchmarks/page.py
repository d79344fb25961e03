"""The page as ratios of one run: docs/performance.md rows 28 to 30.

    python -m benchmarks.page [REQUESTS]

A publisher of a cluster of 128 members, made in this process, and two servers of their
own process each: its page, and a bare Starlette route of the same uvicorn that returns
the very bytes of the certificate list. Turn by turn: the first byte of the list on a
fresh connection; processor time a request of the page's server, from which follows how
many a second one core gives; memory of both after a request. Exits 1 above a gate.
"""

from __future__ import annotations

import argparse
import http.client
import multiprocessing
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from cucmsh.app import admit_to_page
from cucmsh.layout import trusted_file, trusted_folder
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services.accounts.store import ensure_account
from cucmsh.services.nodes.make import public_certificates
from cucmsh.services.site import Site
from tests.rigs.loopback import LOOPBACK
from tests.rigs.page import LAB, Browser
from tests.services.made_cluster import MadeCluster, started_cluster

NODES = 128
PASSWORD = "some words of theirs"
LIST = "/certificates"
FIRST_BYTE, A_SECOND, MEMORY = 3.0, 200.0, 1.5  # the gates, docs/performance.md
WARM_UP = 3
fork = multiprocessing.get_context("fork")


def large(cluster: MadeCluster) -> Site:
    """The publisher, with certificates of 128 members."""
    site = cluster.site
    known = site.settings.cluster
    like = cluster.subscriber.node
    others = [like._replace(name=f"sub{number}") for number in range(NODES - 2)]
    nodes = (*known.nodes, *others)
    brought = public_certificates(cluster.subscriber.site)
    for node in others:
        for unit, pem in brought.items():
            place = trusted_file(trusted_folder(node.name), Unit(unit))
            site.home.write(place, pem, 0o644)
    settings = site.settings._replace(
        cluster=known._replace(nodes=nodes), own_web=LAB, lab="lab"
    )
    return site.with_settings(settings)


def serve_page(listener: socket.socket, site: Site) -> None:
    from cucmsh.web.server import Held, serve  # noqa: PLC0415 - in the server's process

    serve(lambda: site, admit_to_page, Held(listener, threading.Event()))


def serve_bytes(listener: socket.socket, body: bytes) -> None:
    from starlette.applications import Starlette  # noqa: PLC0415 - as above
    from starlette.requests import Request  # noqa: PLC0415
    from starlette.responses import HTMLResponse  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415
    from uvicorn import Config, Server  # noqa: PLC0415

    async def answer(_: Request) -> HTMLResponse:
        return HTMLResponse(body)

    app = Starlette(routes=[Route(LIST, answer)])
    options = Config(app, http="h11", ws="none", lifespan="off", log_level="critical")
    Server(options).run(sockets=[listener])


@contextmanager
def server(serve: Callable[..., None], *values: object) -> Iterator[tuple[int, int]]:
    """A server in a process of its own: its port and its process id."""
    listener = socket.create_server((LOOPBACK, 0), backlog=64)
    process = fork.Process(target=serve, args=(listener, *values))
    process.start()
    port = listener.getsockname()[1]
    listener.close()
    try:
        assert process.pid is not None
        yield port, process.pid
    finally:
        process.terminate()
        process.join()


def first_byte(port: int, cookie: str) -> float:
    """Seconds from a fresh connection to the first byte of the list."""
    begun = time.perf_counter()
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)
    connection.request("GET", LIST, headers={"Cookie": cookie})
    answer = connection.getresponse()
    answer.read(1)
    took = time.perf_counter() - begun
    assert answer.status == 200, answer.status
    answer.read()
    connection.close()
    return took


def processor_seconds(process: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def own_memory(process: int) -> float:
    """MiB that it shares with nobody, or its part of what it shares."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    (line,) = (each for each in lines if each.startswith("Pss:"))
    return int(line.split()[1]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page")
    parser.add_argument("requests", type=int, nargs="?", default=100)
    requests = parser.parse_args().requests
    with tempfile.TemporaryDirectory() as name:
        cluster = started_cluster(Path(name))
        ensure_account(cluster.site, "admin", Secret(PASSWORD))
        with server(serve_page, large(cluster)) as (port, page):
            browser = Browser(port)
            assert browser.log_in("admin", PASSWORD).status == 303
            body = browser.get(LIST).text.encode()
            cookie = f"cucmsh={browser.cookies['cucmsh']}"
            with server(serve_bytes, body) as (bare_port, bare):
                ratios = []
                for number in range(requests):
                    pair = first_byte(port, cookie), first_byte(bare_port, "")
                    if number >= WARM_UP:
                        ratios.append(pair[0] / pair[1])
                begun = processor_seconds(page)
                for _ in range(requests):
                    first_byte(port, cookie)
                a_second = requests / (processor_seconds(page) - begun)
                memory = own_memory(page) / own_memory(bare)
    figures = (
        ("28", "first byte of the list, in a bare route's", median(ratios), FIRST_BYTE),
        ("30", "memory, in the bare route's process", memory, MEMORY),
    )
    missed = a_second < A_SECOND
    print(f"{len(body) // 1024} KiB, {NODES} nodes")
    for row, what, figure, gate in figures:
        missed |= figure > gate
        print(f"row {row} {what}: {figure:.2f} (at most {gate})")
    print(
        f"row 29 lists a second of one core: {a_second:.0f} (at least {A_SECOND:.0f})"
    )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
