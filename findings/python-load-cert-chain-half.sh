#!/usr/bin/env bash
# Python's SSLContext.load_cert_chain on a context that has a pair already.
#
# Expected: it takes the new pair, or raises and leaves the context with the old one; and
#   it raises whenever certificate and key are not of one pair.
# Seen: two ways to be wrong. (1) The certificate is taken before the key is looked at: a
#   key of another pair, or a path that is not there yet while a renewal is under way,
#   raises, and from then on each handshake of that context ends with "no shared cipher",
#   until a load succeeds. (2) An EC certificate with the RSA key of the old pair raises
#   nothing, and the old pair is served on (a context without a pair raises). So a reload
#   belongs in a new context, and the new context in the place of the old.
# Versions: Python 3.11.2 (Debian 12), 3.11.7, 3.12.1, 3.13.0, all with OpenSSL 3.0.19.
# Source: seen by this script; CPython Modules/_ssl.c, load_cert_chain: the check behind
#   both files is SSL_CTX_check_private_key, which asks for one pair, not for the new one.
# Date: 2026-12-01
# Exit status: 0 as described, 1 something else was seen.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
make_pair() { # make_pair NAME openssl's-words-for-the-key
    openssl req -x509 -newkey "${@:2}" -noenc -days 9 -subj "/CN=$1" \
        -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
make_pair old rsa:2048
make_pair new rsa:2048
make_pair curve ec -pkeyopt ec_paramgen_curve:P-256

python3 - <<'PY'
import ssl
import sys

DER = {}
for name in ("old", "new", "curve"):
    with open(f"{name}.pem") as file:
        DER[ssl.PEM_cert_to_DER_cert(file.read())] = name


def served(server_context):
    """Whose certificate a client gets, or why the handshake ended."""
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server]
    for _ in range(10):
        for side in tuple(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as problem:
                return problem.reason
            waiting.remove(side)
    return DER[client.getpeercert(binary_form=True)]


def load(context, certificate, key):
    """What load_cert_chain says, and what the context serves then."""
    try:
        context.load_cert_chain(certificate, key)
    except OSError as problem:
        said = getattr(problem, "reason", None) or type(problem).__name__
    else:
        said = "no exception"
    return said, served(context)


def with_old():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("old.pem", "old.key")
    return context


print("Python", sys.version.split()[0], ssl.OPENSSL_VERSION)
mended = with_old()
seen = {
    "the old pair": load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), "old.pem", "old.key"),
    "new certificate, old key": load(mended, "new.pem", "old.key"),
    "the same context, old pair again": load(mended, "old.pem", "old.key"),
    "new certificate, no such key": load(with_old(), "new.pem", "none"),
    "EC certificate, old key": load(with_old(), "curve.pem", "old.key"),
    "the same, no pair before": load(
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), "curve.pem", "old.key"
    ),
}
for what, (said, serves) in seen.items():
    print(f"{what}: {said}; serves: {serves}")
expected = {
    "the old pair": ("no exception", "old"),
    "new certificate, old key": ("KEY_VALUES_MISMATCH", "NO_SHARED_CIPHER"),
    "the same context, old pair again": ("no exception", "old"),
    "new certificate, no such key": ("FileNotFoundError", "NO_SHARED_CIPHER"),
    "EC certificate, old key": ("no exception", "old"),
    "the same, no pair before": ("NO_CERTIFICATE_ASSIGNED", "NO_SHARED_CIPHER"),
}
sys.exit(seen != expected)
PY
