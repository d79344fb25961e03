"""What lies in a store's way is named, left alone, and never gone through."""

import os
from collections.abc import Callable

import pytest

from cucmsh.cluster.local import LocalStore
from cucmsh.errors import MissingFileError, StoreError
from tests.cluster.stores import NAME, NEW, OLD, Stored


@pytest.mark.parametrize(
    "name",
    [
        *("", "/", "/etc/passwd", "..", "../x", "a/../../x", "a/..", "./a", "a//b"),
        *("a/", ".", "a\0b", "a\nb", "a\x1b[2J", "\u202ea", "\udcff"),
    ],
)
def test_name_that_leads_elsewhere_or_hides_is_refused(
    stored: Stored, name: str
) -> None:
    acts: list[Callable[[], object]] = [
        lambda: stored.store.read(name),
        lambda: stored.store.write(name, NEW),
        lambda: stored.store.remove(name),
    ]
    if name:  # the empty name of a folder is the root
        acts.append(lambda: stored.store.names(name))
    for act in acts:
        with pytest.raises(StoreError, match=r"no file name|not a file name|holds"):
            act()
    assert stored.files() == {}


def test_folder_in_the_way_is_neither_read_replaced_nor_removed(
    stored: Stored,
) -> None:
    (stored.root / NAME).mkdir()
    for act in (stored.store.read, lambda n: stored.store.write(n, NEW)):
        with pytest.raises(StoreError, match=NAME):
            act(NAME)
    with pytest.raises(StoreError):
        stored.store.remove(NAME)
    assert list(stored.root.iterdir()) == [stored.root / NAME]


def test_fifo_is_refused_and_nobody_waits_for_it(stored: Stored) -> None:
    os.mkfifo(stored.root / NAME)
    with pytest.raises(StoreError, match="not a regular file"):
        stored.store.read(NAME)


def test_file_as_a_folder_is_an_error(stored: Stored) -> None:
    stored.store.write(NAME, OLD)
    for act in (stored.store.read, lambda n: stored.store.write(n, NEW)):
        with pytest.raises(StoreError, match=NAME):
            act(f"{NAME}/file")
    if isinstance(stored.store, LocalStore):  # SFTP says "no such file"
        with pytest.raises(StoreError, match=NAME):
            stored.store.names(NAME)
    assert stored.files() == {NAME: OLD}


def test_write_never_goes_through_a_link(stored: Stored) -> None:
    target = stored.root / "precious"
    target.write_bytes(OLD)
    (stored.root / NAME).symlink_to(target)
    with pytest.raises(StoreError, match="a symbolic link, not a regular file"):
        stored.store.write(NAME, NEW)
    assert (stored.root / NAME).is_symlink()
    assert target.read_bytes() == OLD


def test_local_store_reads_through_no_link(local: Stored) -> None:
    (local.root / "folder").mkdir()
    (local.root / "folder" / "precious").write_bytes(OLD)
    (local.root / "link").symlink_to("folder/precious")
    (local.root / "way").symlink_to("folder")
    for name in ("link", "way/precious"):
        with pytest.raises(StoreError) as refused:
            local.store.read(name)
        assert not isinstance(refused.value, MissingFileError)
    with pytest.raises(StoreError):
        local.store.write("way/precious", NEW)
    with pytest.raises(StoreError):
        local.store.remove("way/precious")
    with pytest.raises(StoreError):
        local.store.names("way")
    assert (local.root / "folder" / "precious").read_bytes() == OLD


def test_removing_a_link_leaves_its_target(stored: Stored) -> None:
    (stored.root / "precious").write_bytes(OLD)
    (stored.root / NAME).symlink_to("precious")
    stored.store.remove(NAME)
    assert stored.files() == {"precious": OLD}
