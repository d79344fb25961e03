"""`cucmsh -c LINE`, as a program runs it: exit statuses, and JSON to rely on.

What the documents hold is `tests/views/test_documents.py`; here they meet the truth.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.rigs.lab import CUCMSH, SECONDS, Lab
from tests.story.test_lab import kill_owner_of

pytestmark = [pytest.mark.lab, pytest.mark.loopback]
RESET = "utils itl reset localkey"


def ask(
    config: str, line: str, answers: str = "", **options: Any
) -> tuple[int, dict[str, Any], str]:
    """The status, the document, and what came on standard error."""
    done = subprocess.run(
        [*CUCMSH, "--config", config, "-c", line, "--json"],
        input=answers,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        **options,
    )
    document = json.loads(done.stdout)
    assert document["schema"] == "cucmsh/1"
    assert document["status"] == done.returncode
    return done.returncode, document, done.stderr


def test_status_0_1_and_2_through_c(lab: Lab) -> None:
    node = lab.publisher
    assert lab.call(node, "show itl").returncode == 0
    assert lab.call(lab.subscriber, RESET).returncode == 1
    assert lab.call(node, RESET, "wrong\n").returncode == 1
    assert lab.call(node, "foo").returncode == 2
    assert lab.call(node, "utils itl").returncode == 2
    assert lab.call(node, "set cert regen nonsense").returncode == 2


def test_status_3_through_c_as_text_and_as_json(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab()
    kill_owner_of(lab, lab.subscriber.ssh.port)
    answer = f"{lab.passwords.ccm}\n"
    assert lab.call(lab.publisher, RESET, answer).returncode == 3
    status, document, said = ask(str(lab.publisher.config), RESET, answer)
    assert status == 3
    assert document["error"] is None
    assert [
        (node["name"], node["state"], node["done"])
        for node in document["result"]["nodes"]
    ] == [("test10pub", "unchanged", True), ("test10sub", "pending", False)]
    assert document["result"]["nodes"][1]["reason"]
    assert "Locating active Tftp servers" in said


def test_show_itl_names_the_bytes_that_tftp_serves(lab: Lab, tmp_path: Path) -> None:
    served = lab.fetch(lab.publisher, "ITLFile.tlv", tmp_path / "list")
    status, document, said = ask(str(lab.publisher.config), "show itl")
    result = document["result"]
    assert (status, said) == (0, "")
    assert result["sha1"] == hashlib.sha1(served).hexdigest()
    assert result["sha256"] == hashlib.sha256(served).hexdigest()
    assert result["length"] == len(served)
    assert result["verified"] is True


def test_certificates_are_those_that_openssl_reads(lab: Lab) -> None:
    document = ask(str(lab.publisher.config), "show cert list own")[1]
    for entry in document["result"]["certificates"]:
        folder = Path(lab.publisher.home, "security", entry["unit"])
        shown = subprocess.run(
            ["openssl", "x509", "-noout", "-serial", "-fingerprint", "-sha256"],
            input=(folder / f"{entry['unit']}.pem").read_bytes(),
            capture_output=True,
            check=True,
        ).stdout.decode()
        serial, fingerprint = shown.lower().split()[0], shown.lower().split("=")[-1]
        assert serial == f"serial={entry['serial']}"
        assert fingerprint.strip().replace(":", "") == entry["sha256"]


def test_a_reset_tells_the_list_that_every_node_serves(
    lab: Lab, tmp_path: Path
) -> None:
    answer = f"{lab.passwords.ccm}\n"
    status, document, said = ask(str(lab.publisher.config), RESET, answer)
    assert status == 0
    for number, node in enumerate(lab.nodes):
        served = lab.fetch(node, "ITLFile.tlv", tmp_path / str(number))
        assert document["result"]["sha256"] == hashlib.sha256(served).hexdigest()
    assert lab.passwords.ccm not in said + json.dumps(document)


def test_the_number_of_a_closed_stream_goes_to_no_file() -> None:
    """A list, a lock or a socket would get it, and then what was meant for people."""
    program = (
        "import os; from cucmsh.__main__ import _guarded, _run\n"
        "_guarded(lambda: _run(['--version']))\n"
        "found = [os.readlink(f'/proc/self/fd/{fd}') for fd in (0, 1)]\n"
        "os.write(2, ' '.join(found).encode())"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&- >&-', "sh", CUCMSH[0], "-I", "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "/dev/null /dev/null"


@pytest.mark.parametrize("options", ["", "--json"])
def test_output_that_was_closed_is_no_success_and_no_internal_error(
    lab: Lab, options: str
) -> None:
    words = [*CUCMSH, "--config", str(lab.publisher.config), "-c", "show itl"]
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {options} >&-', "sh", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")


def test_services_tell_a_stop(lab: Lab) -> None:
    def state() -> str:
        services = ask(str(lab.publisher.config), "utils service list")[1]["result"]
        return str(services["services"][0]["state"])

    assert state() == "started"
    lab.call(lab.publisher, "utils service stop Cisco Tftp")
    assert state() == "stopped"
    lab.call(lab.publisher, "utils service start Cisco Tftp")


def test_errors_are_documents_too(lab: Lab, tmp_path: Path) -> None:
    status, document, _ = ask(str(lab.publisher.config), RESET, "wrong\n")
    assert status == 1
    assert "password is not correct" in document["error"]["message"]
    assert document["error"]["kind"] == "refused"
    status, document, _ = ask(str(lab.publisher.config), "quit")
    assert status == 2
    assert "show itl" in document["error"]["advice"]
    assert document["error"]["kind"] == "usage"
    status, document, _ = ask(str(tmp_path / "none.toml"), "show itl")
    assert status == 2
    assert document["error"]["advice"]


def test_json_is_for_one_command(lab: Lab) -> None:
    for words in (["--json"], ["-c", "show itl", "--yaml"], ["verify", "--json"]):
        done = subprocess.run([*CUCMSH, *words], capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize("words", [["doctor"], ["node", "list"]])
def test_look_at_the_set_up_is_a_document_too(lab: Lab, words: list[str]) -> None:
    def ask(config: str) -> tuple[int, dict[str, Any]]:
        done = subprocess.run(
            [*CUCMSH, "--config", config, *words, "--json"],
            capture_output=True,
            check=False,
        )
        assert done.stdout.count(b"\n") == 1
        return done.returncode, json.loads(done.stdout)

    status, document = ask(str(lab.publisher.config))
    assert (document["command"], document["error"]) == (" ".join(words), None)
    assert (document["schema"], document["status"]) == ("cucmsh/1", status)
    result = document["result"]
    assert result["node"] == "test10pub"
    nodes = result.get("nodes", [])
    findings = [at for node in nodes for at in node["findings"]]
    findings += result.get("findings", [])
    levels = {at["level"] for at in findings}
    text = "test10sub lets us in, with its pinned host key"
    assert {"level": "ok", "what": text, "advice": None} in findings
    assert "fail" not in levels, findings
    assert status == int("warn" in levels)
    status, document = ask("/nowhere/none.toml")
    assert (status, document["result"]) == (2, None)
    assert "there is no such configuration file" in document["error"]["message"]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_one_command_imports_nothing_heavy(lab: Lab, options: list[str]) -> None:
    program = (
        "import os, sys; from cucmsh.__main__ import main; leave = os._exit\n"
        f"sys.argv[1:] = {['-c', 'show version active', *options]!r}\n"
        "found = {'prompt_toolkit', 'paramiko', 'asyncio', 'sqlite3', 'http', "
        "'sqlalchemy', 'urllib.parse'}\n"
        "def look(status):\n"
        "    said = sorted(found & set(sys.modules))\n"
        "    os.write(1, f'{said}'.encode())\n"
        "    leave(status)\n"
        "os._exit = look\n"
        "main()"
    )
    done = subprocess.run(
        [CUCMSH[0], "-I", "-c", program],
        env={"PATH": os.defpath, "CUCMSH_CONFIG": str(lab.publisher.config)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "[]"
