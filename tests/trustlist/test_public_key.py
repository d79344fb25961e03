"""The two integers of a PUBLICKEY field, and every other spelling refused."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cucmsh.errors import SignatureError
from cucmsh.trustlist.public_key import rsa_numbers
from tests.trustlist.builders import public_bytes


def test_numbers_are_those_of_the_key(keys: list[rsa.RSAPrivateKey]) -> None:
    for key in keys:
        public = key.public_key()
        numbers = public.public_numbers()
        assert rsa_numbers(public_bytes(public)) == (numbers.n, numbers.e)


def test_sizes_are_those_of_the_format(keys: list[rsa.RSAPrivateKey]) -> None:
    sizes = [len(public_bytes(key.public_key())) for key in keys]
    assert sizes == [140, 140, 140, 270]


def test_no_prefix_of_a_key_is_read(keys: list[rsa.RSAPrivateKey]) -> None:
    for key in keys:
        public_key = public_bytes(key.public_key())
        for size in range(len(public_key)):
            with pytest.raises(SignatureError):
                rsa_numbers(public_key[:size])


SPELLINGS = {
    "empty": "",
    "EC point": "04" + "11" * 64,
    "no sequence": "3106020121020103",
    "trailing byte": "300602012102010300",
    "trailing byte inside": "30070201210201030500",
    "third number": "3009020121020103020105",
    "one number": "3003020121",
    "no integer": "3006040121020103",
    "long length": "308106020121020103",
    "two-byte length with a zero": "30820006020121020103",
    "three-byte length": "3083000006020121020103",
    "indefinite length": "30800201210201030000",
    "number with a needless zero": "300702020021020103",
    "negative number": "30060201a1020103",
    "empty number": "30050200020103",
    "zero": "3006020100020103",
    "exponent one": "3006020121020101",
    "even exponent": "3006020121020104",
    "even modulus": "3006020122020103",
    "number over the end": "3006020521020103",
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_other_spellings_are_refused(spelling: str) -> None:
    with pytest.raises(SignatureError):
        rsa_numbers(bytes.fromhex(spelling))


def test_smallest_spelling_is_read() -> None:
    assert rsa_numbers(bytes.fromhex("3006020121020103")) == (33, 3)
