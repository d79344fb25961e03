"""``show itl`` and ``show ctl``: a trust list as CUCM prints it.

Judges nothing: the verdict comes in. The layout is that of docs/cli.md#show:
columns at 0, 8, 24 and 32 by TABs, BYTEPOS is the tag's number, padding is not shown,
numbers print as lengths only, CUCM's misspellings stay. What CUCM has no word for
(a list that does not verify, tags of other writers) is printed in ours.
"""

from __future__ import annotations

from hashlib import md5, sha1

from cucmsh.trustlist.check import SignatureVerdict
from cucmsh.trustlist.forms import CONTAINERS
from cucmsh.trustlist.model import Header, Record, TrustList
from cucmsh.trustlist.tags import Digest, HeaderTag, RecordTag, Role, role_label

_TABLE_HEAD = ("BYTEPOS\tTAG\t\tLENGTH\tVALUE", "-------\t---\t\t------\t-----")
_DUMP_WIDTH = 8  # bytes of the signature on a line
_HASH_LABELS: dict[int, str] = {
    Digest.SHA1: "SHA-1",
    Digest.SHA256: "SHA-256",  # this one and the next are by analogy
    Digest.SHA512: "SHA-512",
}
_HEADER_LABELS = {tag.value: tag.label for tag in HeaderTag}
_RECORD_LABELS = {tag.value: tag.label for tag in RecordTag}
_ABOVE_THE_TABLE = (HeaderTag.VERSION, HeaderTag.HEADER_LENGTH)


def show_trust_list(
    raw: bytes,
    trust_list: TrustList,
    verdict: SignatureVerdict,
    modified: str,
    *,
    kind: str = "ITL",
) -> list[str]:
    """The lines of ``show itl``.

    Args:
        raw: the file, for its checksums and its length in bytes.
        trust_list: what it decodes to.
        verdict: what checking it said.
        modified: when the file was last modified, as text.
        kind: ``ITL`` or ``CTL``.
    """
    header, records = trust_list
    lines = [
        f"The checksum value of the {kind} file:",
        f"{md5(raw, usedforsecurity=False).hexdigest()}(MD5)",
        f"{sha1(raw, usedforsecurity=False).hexdigest()}(SHA1)",
        "",
        "",
        f"Length of {kind} file: {len(raw)}",
        f"The {kind} File was last modified on {modified}",
        "",
        *_header_lines(header, kind),
    ]
    for number, record in enumerate(records, 1):
        lines += _record_lines(record, number, header, kind)
    lines.append(_verdict_line(verdict, kind))
    return lines


def _header_lines(header: Header, kind: str) -> list[str]:
    version = ".".join(str(part) for part in header.version)
    return [
        f"\tParse {kind} File",
        "\t----------------",
        "",
        f"Version:\t{version}",
        f"HeaderLength:\t{header.length} (BYTES)",
        "",
        *_TABLE_HEAD,
        *_header_rows(header),
        "",
    ]


def _header_rows(header: Header) -> list[str]:
    """Containers first, then their children; both on the same level."""
    rows = []
    for tag, value in header.all_fields:
        if tag in CONTAINERS:
            rows.append(_row(tag, _HEADER_LABELS, 2, str(len(value))))
        elif tag == HeaderTag.SIGNATURE:
            rows.append(_row(tag, _HEADER_LABELS, len(value)))
            rows += _dump(value)
        elif tag != HeaderTag.PADDING and tag not in _ABOVE_THE_TABLE:
            rows.append(
                _row(tag, _HEADER_LABELS, len(value), _header_value(tag, value))
            )
    return rows


def _header_value(tag: int, value: bytes) -> str:
    if tag in (HeaderTag.SIGNER_NAME, HeaderTag.CA_NAME):
        return _text(value)
    if tag == HeaderTag.SERIAL_NUMBER:
        return value.hex(":").upper()
    return ""  # digests, algorithms, file name and time print their length only


def is_signer(record: Record, header: Header) -> bool:
    """Whether the header names this record's token as the signer of the list."""
    return (
        record.role == Role.SAST
        and record.serial == header.serial
        and record.find(RecordTag.ISSUER_NAME) == header.find(HeaderTag.CA_NAME)
    )


def _record_lines(record: Record, number: int, header: Header, kind: str) -> list[str]:
    lines = [f"\t{kind} Record #:{number}", "\t  ----", *_TABLE_HEAD]
    lines += [
        _row(
            tag,
            _RECORD_LABELS,
            len(value),
            _record_value(tag, value),
        )
        for tag, value in record.fields
    ]
    if record.role == Role.SAST:
        word = "was" if is_signer(record, header) else "was not"
        lines.append(f"This etoken {word} used to sign the {kind} file.")
    lines.append("")
    return lines


def _record_value(tag: int, value: bytes) -> str:  # noqa: PLR0911 - a table of cases
    match tag:
        case RecordTag.RECORD_LENGTH:
            return str(int.from_bytes(value, "big"))
        case RecordTag.FUNCTION:
            return role_label(int.from_bytes(value, "big"))
        case RecordTag.DNS_NAME | RecordTag.SUBJECT_NAME | RecordTag.ISSUER_NAME:
            return _text(value)
        case RecordTag.SERIAL_NUMBER:
            return value.hex(":").upper()
        case RecordTag.CERTIFICATE:
            digest = sha1(value, usedforsecurity=False).digest()
            return f"{digest.hex(' ').upper()} (SHA1 Hash HEX)"
        case RecordTag.CERTIFICATE_HASH:
            return value.hex(" ").upper()
        case RecordTag.HASH_ALGORITHM:
            return _HASH_LABELS.get(value[0], str(value[0]))
    return ""


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "backslashreplace")


def _row(tag: int, labels: dict[int, str], length: int, value: str = "") -> str:
    """One line of a table; a blank value leaves no blanks at the line's end."""
    label = labels.get(tag, "UNKNOWN")
    # To column 24 it takes two TABs from a short label and one from a longer one.
    gap = "\t\t" if len(label) < 8 else "\t"
    row = f"{tag}\t{label}{gap}{length}"
    return f"{row}\t{value}" if value.strip() else row


def _dump(signature: bytes) -> list[str]:
    """Eight bytes a line, lower-case, without leading zeros, in columns of four."""
    return [
        "\t"
        + "".join(
            f"{byte:<4x}" for byte in signature[start : start + _DUMP_WIDTH]
        ).rstrip()
        for start in range(0, len(signature), _DUMP_WIDTH)
    ]


def _verdict_line(verdict: SignatureVerdict, kind: str) -> str:
    if verdict.is_valid:
        return f"The {kind} file was verified successfully."
    return f"The {kind} file was not verified: {verdict.reason}"
