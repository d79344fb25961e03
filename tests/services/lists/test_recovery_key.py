"""A recovery key that is weaker than the one the list names."""

from datetime import UTC, datetime

import pytest

from cucmsh.pki.credential import make_credential
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.lists.plan_reset import weaker_than

NOW = datetime(2014, 2, 26, tzinfo=UTC)


@pytest.fixture(scope="session")
def sized() -> dict[int, Certificate]:
    return {
        bits: make_credential(
            Unit.ITL_RECOVERY, "ITLRECOVERY_x", "", NOW, key_bits=bits
        ).certificate
        for bits in (1024, 2048)
    }


@pytest.mark.thorough
@pytest.mark.parametrize(("ours", "listed"), [(1024, 1024), (2048, 1024), (2048, 2048)])
def test_key_of_as_many_bits_is_not_weaker(
    sized: dict[int, Certificate], ours: int, listed: int
) -> None:
    assert weaker_than(sized[ours], sized[listed].public_key) == ""


@pytest.mark.thorough
def test_key_of_fewer_bits_is_told_with_both_sizes(
    sized: dict[int, Certificate],
) -> None:
    assert weaker_than(sized[1024], sized[2048].public_key) == (
        "The recovery key has 1024 bits, fewer than the 2048 bits of the one that the "
        "ITL names."
    )


@pytest.mark.thorough
@pytest.mark.parametrize("listed", [b"\x04" + bytes(64), b"", b"junk"])
def test_key_of_another_kind_is_told(
    sized: dict[int, Certificate], listed: bytes
) -> None:
    assert "of another kind" in weaker_than(sized[1024], listed)
    curve = sized[2048]._replace(key_type="EC", key_bits=256)
    assert "no RSA key" in weaker_than(curve, sized[1024].public_key)
