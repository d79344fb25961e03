"""Holds fields against their forms, and knows which fields belong together.

The forms stand in ``tags`` (docs/formats.md#header, #record). Refuses wrong sizes,
empty serial numbers, and text without its NUL at the end or with another one inside.
"""

from __future__ import annotations

from cucmsh.errors import TrustListError
from cucmsh.trustlist.tags import (
    FILLED,
    LOOSE_TEXT,
    OPTIONAL_HEADER,
    TEXT,
    HeaderTag,
    RecordTag,
)
from cucmsh.trustlist.wire import Field, join_fields

# The one table of containers, each before those that it may hold. A container holds
# exactly its children; of the others all must be there but OPTIONAL_HEADER.
CONTAINERS: dict[int, frozenset[int]] = {
    HeaderTag.SIGNER_ID: frozenset(
        (HeaderTag.SIGNER_NAME, HeaderTag.SERIAL_NUMBER, HeaderTag.CA_NAME)
    ),
    HeaderTag.SIGNATURE_INFO: frozenset(
        (HeaderTag.DIGEST_ALGORITHM, HeaderTag.SIGNATURE_ALGORITHM_INFO)
    ),
    HeaderTag.SIGNATURE_ALGORITHM_INFO: frozenset(
        (HeaderTag.SIGNATURE_ALGORITHM, HeaderTag.SIGNATURE_MODULUS)
    ),
}
CONTAINED = frozenset[int]().union(*CONTAINERS.values())
TOP_LEVEL = frozenset[int](HeaderTag) - CONTAINED - OPTIONAL_HEADER

_PADDING = HeaderTag.PADDING.value


def check_forms(
    fields: tuple[Field, ...],
    forms: dict[int, int],
    tags: type[HeaderTag | RecordTag],
    start: int,
) -> None:
    """Hold fields against their forms; tags without a form may look like anything.

    Args:
        fields: of a header, a container or a record.
        forms: HEADER_FORMS or RECORD_FORMS.
        tags: the enum that names the tags.
        start: where the fields begin in the file, in bytes.

    Raises:
        TrustListError: at the first field that does not fit.
    """
    for place, (tag, value) in enumerate(fields):
        form = forms.get(tag)
        if form is None or form == len(value):
            continue
        if form == FILLED and value:
            continue
        if form == TEXT and value.find(b"\0") == len(value) - 1 >= 0:
            continue
        if form == LOOSE_TEXT and _is_loose_text(value):
            continue
        fault = f"has {len(value)} bytes"
        if form in (TEXT, LOOSE_TEXT):
            fault = "does not end with its only NUL"
        is_header = tags is HeaderTag
        raise TrustListError(
            f"{tags(tag).label} {fault}",
            start + size_of(fields[:place], is_header=is_header),
        )


def _is_loose_text(value: bytes) -> bool:
    return not value or (value[-1] == 0 and b"\0" not in value.rstrip(b"\0"))


def size_of(fields: tuple[Field, ...], *, is_header: bool) -> int:
    """Bytes that fields take: how far behind their start the next one stands.

    Only in a header is tag 13 padding, a byte without length and value.
    """
    return len(join_fields(fields, _PADDING) if is_header else join_fields(fields))


def offset_of(fields: tuple[Field, ...], tag: int, *, is_header: bool) -> int:
    """Bytes of fields before the first one with this tag."""
    position = [field.tag for field in fields].index(tag)
    return size_of(fields[:position], is_header=is_header)
