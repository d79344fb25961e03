"""Phones of each family as the lab would tell of them."""

from __future__ import annotations

from cucmsh.phones.facts import Alarm, PhoneFacts, StatusLine

NOW = 1_569_919_950  # 2019-10-01 08:52:30 UTC
SHA1 = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"
MODELS = {"7940": "7940", "7965": "79xx", "7841": "78xx/88xx", "8845": "78xx/88xx"}
MODELS |= {"9971": "99xx"}
HOSTILE = "</TD><script>alert(1)</script>&lt;\"'\r\n\x1b[2J\x00\ud800\ufffe]]>--%>"


def made_facts(model: str, text: str = "ITL installed") -> PhoneFacts:
    family = MODELS[model]
    digest = SHA1[:32] if family in {"7940", "79xx"} else SHA1
    return PhoneFacts(
        name="SEP001122334455",
        model=model,
        family=family,
        load=f"sip{model}.14-3-1",
        now=NOW,
        started=NOW - 100,
        address="127.0.0.1",
        itl=digest,
        itl_server="pub-1.example.com",
        tftp_servers=("pub-1.example.com", "127.0.0.1"),
        call_managers=("pub-1.example.com",),
        tvs=("pub-1.example.com", "sub.example.com"),
        label="1001",
        settings=(("webAccess", "0"), ("sshAccess", "1"), ("spanToPCPort", "1")),
        status=(StatusLine(NOW, text),),
        alarms=(Alarm(NOW, 3, itl=digest),),
    )
