"""Ways to a database: SQLite as a file of our own, PostgreSQL by its URL.

Whatever the libraries raise becomes one sentence here (``as_store_error``), without the
password, which no message of theirs holds.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cucmsh.errors import StoreError
from cucmsh.secret import Secret

SQLITE = "sqlite"
CONNECT_SECONDS = 10
BUSY_SECONDS = 30  # how long others may write before we give up
STATEMENT_SECONDS = 120
MAKING_SECONDS, PAUSE_SECONDS = 1.0, 0.05
FILE_MODE = 0o600  # which phone is where is nobody else's business
# A PostgreSQL whose machine is gone without a word is noticed by these (milliseconds).
POSTGRESQL_OPTIONS = {
    "application_name": "cucmsh",
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": CONNECT_SECONDS,
    "tcp_user_timeout": BUSY_SECONDS * 1000,
    "options": f"-c statement_timeout={STATEMENT_SECONDS * 1000}"
    f" -c lock_timeout={BUSY_SECONDS * 1000}",
}


def connect(url: Secret, password: Secret | None) -> Engine:
    """An engine for that URL, which has connected nowhere yet.

    Raises:
        StoreError: the URL is none; or the file of SQLite cannot be made.
    """
    try:
        parsed = make_url(url.reveal())
    except (SQLAlchemyError, ValueError) as problem:
        raise StoreError("the URL of the inventory is none") from problem
    if parsed.drivername == SQLITE:
        return _sqlite(parsed)
    if password is not None:
        parsed = parsed.set(password=password.reveal())
    return create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        connect_args=POSTGRESQL_OPTIONS,
        paramstyle="format",
        pool_pre_ping=True,
        pool_size=1,
        hide_parameters=True,
    )


def place_of(engine: Engine) -> str:
    """The database as a message may name it: a file, or a URL without password.

    Without all of its parameters, too: which of them are secrets is libpq's to say, and
    its next version's.
    """
    url = engine.url
    if url.drivername.startswith(SQLITE):
        return str(url.database)
    shown = url.set(drivername="postgresql", query={})
    return shown.render_as_string(hide_password=True)


@contextmanager
def as_store_error(engine: Engine, doing: str) -> Iterator[None]:
    """What the libraries raise as ours.

    Args:
        engine: the database.
        doing: what is being done: "read", "written", "opened".

    Raises:
        StoreError: whatever the body raised of theirs.
    """
    try:
        yield
    except (SQLAlchemyError, OSError) as problem:
        raise StoreError(
            f"the inventory of phones, {place_of(engine)}, cannot be {doing}: "
            f"{_reason(problem)}",
            "Nothing of this was recorded. Look at that database, and at [inventory] "
            "in the configuration (docs/production.md#phones).",
        ) from problem


def is_passing(problem: DBAPIError) -> bool:
    """Whether another try may well succeed: two writers met, or a connection is old."""
    state = getattr(problem.orig, "sqlstate", None)
    return problem.connection_invalidated or state in ("40001", "40P01")


def _reason(problem: Exception) -> str:
    """The library's own words, its first line."""
    if isinstance(problem, DBAPIError) and problem.orig is not None:
        said = str(problem.orig)
    elif isinstance(problem, OSError):
        said = problem.strerror or str(problem)
    else:
        said = str(problem)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(problem).__name__


def _sqlite(url: URL) -> Engine:
    path = url.database or ""
    engine = create_engine(
        url.set(query={}),
        connect_args={"timeout": BUSY_SECONDS},
        hide_parameters=True,
    )
    with as_store_error(engine, "opened"):
        # Made by us, for SQLite would make it as the umask likes; its companions
        # (-wal, -shm) take this mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, FILE_MODE))
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: sqlite3.Connection, _: Any) -> None:
    """Write ahead, so that readers never wait; synced before a commit returns."""
    connection.isolation_level = None  # no BEGIN but ours
    end = monotonic() + MAKING_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            # Whoever else makes the file just now is not waited for by SQLite.
            if monotonic() > end:
                raise
            sleep(PAUSE_SECONDS)
    connection.execute("PRAGMA synchronous = FULL")
