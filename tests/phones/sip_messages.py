"""SIP requests of a phone, as the tests send and log them."""

from __future__ import annotations

NAME = "SEP0011223344AA"
ITL = "1ba1" * 10
SIGNATURE = " ".join(ITL.upper()[at : at + 2] for at in range(0, 40, 2)) + " "
ALARM = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<x-cisco-alarm>
<Alarm Name="DeviceTLInfo">
<ParameterList>
<String name="DeviceName">{NAME}</String>
<String name="IPv4Address">10.1.1.9</String>
<String name="IPv6Address"></String>
<String name="CTL_Signature">Not Installed</String>
<String name="CTL_TFTP_Server">N/A</String>
<String name="ITL_Signature">{SIGNATURE}</String>
<String name="ITL_TFTP_Server">pub.example.org</String>
<String name="StatusCode">3</String>
</ParameterList>
</Alarm>
</x-cisco-alarm>
"""
BROKEN_ALARM = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<x-cisco-alarm>
<Alarm Name="LastOutOfServiceInformation">
<ParameterList>
<String name="DeviceName">{NAME}</String>
<String name="UnifiedCMIPAddress"><not open></String>
<Enum name="DHCPv4Status">1</Enum>
<String name="ModelNumber">CP-7961G</String>
</ParameterList>
</Alarm>
</x-cisco-alarm>
"""


def refer(
    body: str = ALARM, name: str = NAME, agent: str = "Cisco-CP7821/12.1.1"
) -> str:
    """A REFER with an alarm, line ends as on the wire."""
    body = body.replace("\n", "\r\n")
    return (
        "REFER sip:10.1.1.1 SIP/2.0\r\n"
        "Via: SIP/2.0/TCP 10.1.1.9:49152;branch=z9hG4bK1\r\n"
        f"From: <sip:{name[3:]}@10.1.1.1>;tag=1\r\n"
        "To: <sip:10.1.1.1>\r\n"
        "Call-ID: 1@10.1.1.9\r\n"
        "CSeq: 1000 REFER\r\n"
        "User-Agent: Cisco-CP7821/12.1.1\r\n"
        f'Contact: <sip:1@10.1.1.9:49152>;+u.sip!devicename.ccm.cisco.com="{name}"\r\n'
        "Content-Type: application/x-cisco-alarm+xml\r\n"
        f"Content-Length:   {len(body.encode())}\r\n"
        f"\r\n{body}"
    )


def register(reason: str = "", contact: str = "") -> str:
    """A REGISTER."""
    named = f'+u.sip!devicename.ccm.cisco.com="{NAME}"'
    contact = contact or f"<sip:1@10.1.1.9:49152>;{named}"
    more = f"Reason: {reason}\r\n" if reason else ""
    return (
        "REGISTER sip:10.1.1.1 SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 10.1.1.9:5060;branch=z9hG4bK2\r\n"
        "From: <sip:1@10.1.1.1>;tag=1\r\n"
        "To: <sip:1@10.1.1.1>\r\n"
        "Call-ID: 2@10.1.1.9\r\n"
        "CSeq: 101 REGISTER\r\n"
        "User-Agent: Cisco-CP8845/14.3.1\r\n"
        f"m: {contact}\r\n"
        f"{more}"
        "Content-Length: 0\r\n\r\n"
    )


REASON = (
    f'SIP;cause=200;text="cisco-alarm:23 Name={NAME} '
    'ActiveLoad=sip8845_65.14-3-1 InactiveLoad=sip8845_65.12-1-1 Last=reset-restart"'
)
