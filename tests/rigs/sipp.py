"""sipp as a phone that sends one request.

It takes blanks from the beginning of body lines and writes every line end as CRLF, so
a body that must be byte for byte does not come from here.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.rigs.loopback import LOOPBACK

VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
SCENARIO = """\
<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="one request">
<send retrans="500"><![CDATA[
{head}
Content-Length: [len]

{body}
]]></send>
<recv response="{response}"/>
</scenario>
"""


def send(port: int, head: str, body: str, response: int, folder: Path) -> None:
    """Send one request over TCP, and wait for its answer.

    Args:
        port: of the SIP server, on 127.0.0.1.
        head: first line and headers, without Content-Length.
        body: may be empty.
        response: status of the answer that is waited for.
        folder: for the scenario.
    """
    scenario = folder / "scenario.xml"
    # By these sipp knows the answer as its own.
    head = re.sub(r"(?m)^Call-ID:.*$", "Call-ID: [call_id]", head)
    head = re.sub(r"(?m)^Via:.*$", VIA, head)
    text = SCENARIO.format(head=head.strip(), body=body.strip(), response=response)
    scenario.write_text(text)
    words = ["sipp", "-sf", str(scenario), "-m", "1", "-t", "t1", "-nostdin"]
    words += ["-i", LOOPBACK, "-timeout", "20s", f"{LOOPBACK}:{port}"]
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
