"""The manifest of a backup set: what is in it, and the set's key. Text. Pure.

XML as the original's ``drfComponent.xml`` is, with more in it: SHA-256 and size of each
file. Behind the document, in a comment of one line, stands the signature by the set's
key of all bytes before it. Nothing of a manifest is believed before that is verified
(``sets``); who reads one without the password believes what it says of itself only as
far as it says which files are to be looked at.
"""

from __future__ import annotations

import base64
import binascii
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import NamedTuple

from cucmsh.errors import RefusedError
from cucmsh.layout import SET_FILE, SET_MANIFEST

MAX_SIZE = 1 << 20  # bytes
SIGNED_BY = b"<!-- Ed25519 signature, by the key above, of all bytes before this line: "
STAMP = r"[0-9]{4}(?:-[0-9]{2}){5}"
HOST = r"[A-Za-z0-9][A-Za-z0-9.-]*"
NAME = re.compile(rf"({STAMP})_({HOST})_drfComponent\.xml")
WORD = re.compile(r"[A-Za-z0-9-]+")
SUCCESS = "SUCCESS"
ERROR = "ERROR"


class SetFile(NamedTuple):
    """One file of a set.

    Attributes:
        server: the node whose component it is.
        feature: such as ``UCM``.
        component: such as ``TFTP``.
        size: bytes, as it lies on the device; 0 where there is no file.
        sha256: of these bytes, lower-case hex; empty where there is no file.
        problem: why there is none.
    """

    server: str
    feature: str
    component: str
    size: int
    sha256: str
    problem: str = ""

    def name(self, stamp: str) -> str:
        """What it is called there."""
        return SET_FILE.format(
            stamp=stamp,
            host=self.server,
            feature=self.feature,
            component=self.component,
        )


class Manifest(NamedTuple):
    """What a set says of itself.

    Attributes:
        stamp: when it was begun, UTC, ``YYYY-MM-DD-HH-MM-SS``.
        host: the publisher.
        node: its id.
        domain: of the cluster.
        release: as the configuration called it.
        program: version of cucmsh.
        files: all of them.
        key: the set's key, encrypted, PEM.
    """

    stamp: str
    host: str
    node: str
    domain: str
    release: str
    program: str
    files: tuple[SetFile, ...]
    key: bytes

    @property
    def name(self) -> str:
        """What its file is called."""
        return SET_MANIFEST.format(stamp=self.stamp, host=self.host)


class Signed(NamedTuple):
    """A manifest, what of its file was signed, and the signature."""

    manifest: Manifest
    body: bytes
    signature: bytes


def body_of(manifest: Manifest) -> bytes:
    """The bytes that are to be signed."""
    root = ET.Element("list")
    about = ET.SubElement(root, "cucmsh")
    for key in ("stamp", "host", "node", "domain", "release", "program"):
        about.set(key, getattr(manifest, key))
    for feature in dict.fromkeys(each.feature for each in manifest.files):
        inside = [each for each in manifest.files if each.feature == feature]
        part = ET.SubElement(root, "FeatureObject")
        ET.SubElement(part, "FeatureName").text = feature
        ET.SubElement(part, "Version").text = manifest.release
        ET.SubElement(part, "Status").text = _status(inside)
        for server in dict.fromkeys(each.server for each in inside):
            _add_server(part, server, [at for at in inside if at.server == server])
    ET.SubElement(root, "key").text = f"\n{manifest.key.decode()}"
    ET.indent(root)
    raw: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return raw + b"\n"


def with_signature(body: bytes, signature: bytes) -> bytes:
    """The whole file."""
    return body + SIGNED_BY + base64.b64encode(signature) + b" -->\n"


def read_manifest(raw: bytes, name: str) -> Signed:
    """Parse a manifest; the caller verifies it.

    Args:
        raw: the bytes of its file.
        name: of the file, which must say the same as the manifest.

    Raises:
        RefusedError: it is cut, damaged, or none of ours.
    """
    body, mark, end = raw.rpartition(SIGNED_BY)
    try:
        signature = base64.b64decode(end.removesuffix(b" -->\n"), validate=True)
        manifest = _manifest(_parsed(body if mark else b""))
    except (ValueError, KeyError, ET.ParseError, binascii.Error) as problem:
        raise _no_manifest(name, problem) from problem
    if manifest.name != name:
        raise _no_manifest(name, "it is of another set")
    return Signed(manifest, body, signature)


def _no_manifest(name: str, problem: object) -> RefusedError:
    return RefusedError(
        f"{name} is no manifest of a backup set of cucmsh, or is damaged: {problem}",
        "Take another set.",
    )


def _parsed(body: bytes) -> ET.Element:
    """The document, whose text is no larger than it and names nothing outside.

    In UTF-8, as ours are: in another encoding a document type would not be seen.
    """
    text = body.decode("utf-8")
    if "<!" in text:
        raise ValueError("it has a document type or a comment")
    # What makes XML dangerous is refused above, and its size is bounded. Of a text the
    # parser believes no encoding that the document names.
    return ET.fromstring(text)  # noqa: S314


def _add_server(part: ET.Element, server: str, files: list[SetFile]) -> None:
    outer = ET.SubElement(part, "vServerObject")
    place = ET.SubElement(outer, "ServerObj")
    ET.SubElement(place, "ServerName").text = server
    ET.SubElement(place, "Status").text = _status(files)
    row = ET.SubElement(place, "vComponentObject")
    for each in files:
        table = ET.SubElement(row, "ComponentObject")
        ET.SubElement(table, "ComponentName").text = each.component
        ET.SubElement(table, "Status").text = _status([each])
        ET.SubElement(table, "Size").text = str(each.size)
        ET.SubElement(table, "SHA256").text = each.sha256
        if each.problem:
            ET.SubElement(table, "Problem").text = each.problem


def _status(files: Iterable[SetFile]) -> str:
    return ERROR if any(each.problem for each in files) else SUCCESS


def _manifest(root: ET.Element) -> Manifest:
    about = root.find("cucmsh")
    if root.tag != "list" or about is None:
        raise ValueError("it is another tool's")
    files = []
    for part in root.iterfind("FeatureObject"):
        feature = _word(part, "FeatureName")
        for server in part.iterfind("vServerObject/ServerObj"):
            name = _text(server, "ServerName")
            if not re.fullmatch(HOST, name):
                raise ValueError("a server's name")
            for row in server.iterfind("vComponentObject/ComponentObject"):
                size, sha256 = int(_text(row, "Size")), _text(row, "SHA256")
                problem = row.findtext("Problem") or ""
                is_named = re.fullmatch("[0-9a-f]{64}", sha256)
                if size < 0 or not (problem or is_named):
                    raise ValueError("a file's size or digest")
                component = _word(row, "ComponentName")
                at = SetFile(name, feature, component, size, sha256, problem)
                files.append(at)
    said = about.attrib
    return Manifest(
        said["stamp"],
        said["host"],
        said["node"],
        said["domain"],
        said["release"],
        said["program"],
        tuple(files),
        f"{_text(root, 'key').strip()}\n".encode(),
    )


def _text(element: ET.Element, tag: str) -> str:
    found = element.findtext(tag)
    if found is None:
        raise ValueError(f"there is no {tag}")
    return found


def _word(element: ET.Element, tag: str) -> str:
    found = _text(element, tag)
    if not WORD.fullmatch(found):
        raise ValueError(tag)
    return found
