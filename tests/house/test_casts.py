"""`cast` says what a type checker cannot see; it joins no part of ours to another.

A collaborator that is cast to a protocol need not have what the protocol names: then a
call fails where nobody looks for it.
"""

import ast

import pytest

from tests.house.product import places

# Each names a type of the standard library or of a library, or a type variable.
CASTS = {
    ("cucmsh/services/threads.py", "'_Answer'"),  # what the thread gave, or raised
    # asyncio hands its protocols the widest kind of transport.
    ("cucmsh/lab/http_server.py", "'asyncio.Transport'"),
    ("cucmsh/lab/phones/wire.py", "'asyncio.DatagramTransport'"),
    ("cucmsh/lab/sftp_files.py", "asyncssh.SSHServerChannel[bytes]"),
    ("cucmsh/lab/sftp_files.py", "io.FileIO"),  # what our own ``open`` gave
    ("cucmsh/shell/editor.py", "TextIO"),  # prompt_toolkit only writes and flushes
}


@pytest.mark.thorough
def test_nothing_of_ours_is_reached_by_a_cast() -> None:
    found = {
        (name, ast.unparse(node.args[0]))
        for name, node, _ in places()
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("cast")
    }
    assert found == CASTS
