"""Trust lists: bytes to values, values to bytes, and who believes whom.

Opens no file and no socket, reads no clock, holds no key, knows no X.509. The rooms'
doors, each named for its one verb or noun::

    decode.decode(raw)                  bytes -> TrustList, or TrustListError
    encode.encode(trust_list)           TrustList -> the same bytes
    encode.full_record, hashed_record   certificates -> records, as CUCM 10 writes them
    seal.seal, seal.reseal              records and a Signer -> a signed TrustList
    seal.check, check_certificates      is the list what its own signer made?
    trust.judge(held, offered, ...)     would a holder of this list take that one?
    signed.decode_signed, seal_signed   signed files (.sgn): the same, with a payload
    signed_trust.judge_signed(held, f)  would a holder of this list take that file?

The format is that of docs/formats.md. Nothing is imported
here: a login pays for every import on the way to the prompt.
"""
