#!/usr/bin/env bash
# PKCS#12 files of everyday tools are no DER, and "it opens" does not tell.
#
# Expected: NSS's pk12util and Java's keytool write DER, as openssl does; cryptography
#   opens what is DER and refuses the rest.
# Seen: pk12util (Firefox) writes BER with indefinite lengths. cryptography opens it, with
#   a UserWarning that it "could not be parsed as DER, falling back to BER" and that "in
#   the future, this may become an exception". keytool writes lengths as DER does, but a
#   SET OF in another order as soon as the alias is longer than the localKeyID; there
#   cryptography says nothing, and a strict decoder (its own hazmat.asn1.SetOf) refuses.
# Versions: cryptography 50.0.2 (PyPI), libnss3-tools 3.87.1, openjdk-17 keytool,
#   openssl 3.0 (Debian 12).
# Source: seen in the files; X.690, 10.1 and 11.6.
# Date: 2026-11-30
# Needs libnss3-tools and default-jre-headless.
# Exit status: 0 as described, 1 something else was seen.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install -q --disable-pip-version-check cryptography==50.0.2

alias="an alias that is longer than a localKeyID"
word="one long password"
printf '%s' "$word" >word
openssl req -x509 -newkey rsa:2048 -noenc -days 9 -subj /CN=x -keyout key -out cert \
    2>/dev/null
openssl pkcs12 -export -in cert -inkey key -name "$alias" -passout file:word -out openssl.p12
mkdir nss
certutil -N -d sql:nss -f word
pk12util -i openssl.p12 -d sql:nss -k word -w word >/dev/null
pk12util -o pk12util.p12 -n "$alias" -d sql:nss -k word -w word >/dev/null
keytool -importkeystore -srckeystore openssl.p12 -srcstoretype PKCS12 -srcalias "$alias" \
    -destkeystore keytool.p12 -deststoretype PKCS12 -destalias "$alias" \
    -srcstorepass "$word" -deststorepass "$word" 2>/dev/null
dpkg-query -W -f '${Package} ${Version}\n' libnss3-tools openjdk-17-jre-headless openssl

venv/bin/python - <<'PY'
import sys
import warnings

from cryptography.hazmat.primitives.serialization import pkcs12

# Of each key bag: friendlyName (1.2.840.113549.1.9.20) and localKeyID (...21).
FRIENDLY, LOCAL = bytes.fromhex("2a864886f70d010914"), bytes.fromhex("2a864886f70d010915")
seen = {}
for tool in ("openssl", "pk12util", "keytool"):
    with open(f"{tool}.p12", "rb") as file:
        raw = file.read()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        found = pkcs12.load_pkcs12(raw, b"one long password")
    assert found.key is not None
    is_longer_first = raw.index(FRIENDLY) < raw.index(LOCAL)
    is_ber = raw[1] == 0x80
    words = [str(warning.message).partition(". Error")[0] for warning in warned]
    print(f"{tool}: indefinite lengths {is_ber}, longer member first {is_longer_first}")
    print(f"    cryptography opens it; {words or 'no warning'}")
    seen[tool] = (is_ber, is_longer_first, bool(words))
# DER wants the encodings of a SET OF in ascending order: the shorter one comes first.
expected = {
    "openssl": (False, False, False),
    "keytool": (False, True, False),
}
is_as_described = seen["pk12util"][0] and seen["pk12util"][2]
is_as_described &= all(seen[tool] == value for tool, value in expected.items())
sys.exit(0 if is_as_described else 1)
PY
