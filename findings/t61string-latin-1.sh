#!/usr/bin/env bash
# A certificate whose name is a T61String with Latin-1 bytes: three libraries.
#
# Expected: whoever reads the certificate reads its name, too. (CUCM writes the names of
#   ITLRecovery as T61String; openssl writes Latin-1 into one with string_mask = nombstr.)
# Seen: openssl and pyasn1 take the bytes for Latin-1. cryptography loads the certificate,
#   and then refuses .subject and .issuer with "error parsing asn1 value: InvalidValue",
#   a ValueError: it takes a T61String for UTF-8. An ASCII name in a T61String is read.
# Versions: cryptography 50.0.2, pyasn1 0.6.5 (PyPI), openssl 3.0 (Debian 12).
# Source: seen by this script.
# Date: 2026-11-30
# Exit status: 0 as described, 1 something else was seen.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install -q --disable-pip-version-check cryptography==50.0.2 pyasn1==0.6.5

printf '[req]\nstring_mask = nombstr\nprompt = no\ndistinguished_name = name\n' >conf
printf '[name]\nCN = M\xfcller\n' >>conf
openssl req -x509 -newkey rsa:2048 -noenc -days 9 -config conf -keyout key -out cert \
    2>/dev/null
openssl version
shown=$(openssl x509 -in cert -noout -subject -nameopt utf8,sep_comma_plus,show_type)
echo "openssl: $shown"
venv/bin/python - "$shown" <<'PY'
import sys

from cryptography import x509
from pyasn1.codec.der import decoder

with open("cert", "rb") as file:
    loaded = x509.load_pem_x509_certificate(file.read())
try:
    seen = repr(loaded.subject)
except ValueError as problem:
    seen = f"ValueError: {problem}"
print("cryptography:", seen)
signed, _ = decoder.decode(loaded.tbs_certificate_bytes)
name = "Müller" if signed.prettyPrint().count("Müller") == 2 else "something else"
print("pyasn1:", name, "(issuer and subject)")
is_as_described = (
    "T61STRING:Müller" in sys.argv[1]
    and seen.startswith("ValueError: error parsing asn1 value")
    and name == "Müller"
)
sys.exit(0 if is_as_described else 1)
PY
