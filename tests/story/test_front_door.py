"""T10 before there is a session: what a call's own words say is shown, never sent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

CUCMSH = [sys.executable, "-I", "-m", "cucmsh"]
HOSTILE = "\x1b]0;owned\x07\u202e\u200b\x9b"
VISIBLE = r"\x1b]0;owned\x07\u202e\u200b\x9b"


def call(
    *words: str | bytes, environment: dict[str, str] | None = None
) -> tuple[int, bytes, bytes]:
    done = subprocess.run(
        [*CUCMSH, *words],
        capture_output=True,
        check=False,
        env={"PATH": os.defpath, **(environment or {})},
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        (HOSTILE,),
        ("--config", HOSTILE),
        ("--config", HOSTILE, "-c", "show itl"),
        ("--config", HOSTILE, "doctor"),
        ("--config", HOSTILE, "node", "list"),
        ("--config", HOSTILE, "hook", HOSTILE),
        ("--config", "/dev/null", "hook", HOSTILE),
        ("--config", HOSTILE, "init", "publisher", HOSTILE),
        ("lab", HOSTILE),
        ("lab", "--dir", HOSTILE),
        ("verify", HOSTILE),
        ("verify", "/dev/null", "--against", HOSTILE),
        ("hook", HOSTILE),
        ("node", "add", HOSTILE, "--host", HOSTILE),
    ],
    ids=" ".join,
)
def test_no_call_sends_back_what_cannot_be_shown(words: tuple[str, ...]) -> None:
    status, out, err = call(*words)
    assert status in (1, 2)
    said = (out + err).decode()
    assert said.replace("\n", "").isprintable(), said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--version"], 0, ""),
        (["-c", "show itl"], 2, "there is no such configuration file"),
        (["verify", "x.tlv"], 1, "was removed"),
        (["--config", "x", "init", "publisher", "--name", "a"], 1, "was removed"),
        (["lab", "--dir", "x"], 1, "x: No such file or directory"),
    ],
)
def test_a_folder_that_was_removed_is_no_riddle(
    words: list[str], status: int, said: str, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", *CUCMSH, *words],
        cwd=gone,
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode, said in done.stderr) == (status, True), done
    assert "internal error" not in done.stderr


def test_configuration_without_end_is_refused() -> None:
    status, _, err = call("--config", "/dev/zero", "-c", "show itl")
    assert (status, b"is larger than 1048576 bytes" in err) == (2, True)


@pytest.mark.parametrize("hook", ["sign", "tftp-start", "describe"])
def test_every_hook_has_help(hook: str) -> None:
    status, out, err = call("hook", hook, "--help")
    assert (status, err) == (0, b"")
    assert out.startswith(b"usage: cucmsh [--config FILE] hook")


def test_bytes_that_are_no_utf8_are_shown_as_bytes() -> None:
    _, _, err = call(b"--config", b"/\xff\xfe\x9b")
    assert rb"/\xff\xfe\x9b: there is no such configuration" in err


def test_a_hostile_name_is_shown_as_escapes() -> None:
    _, _, err = call("--config", f"/{HOSTILE}")
    assert VISIBLE in err.decode()


def test_a_listener_that_left_makes_a_success_a_failure(tmp_path: Path) -> None:
    end, gone = os.pipe()
    os.close(end)
    done = subprocess.run(
        [*CUCMSH, "--help"], stdout=gone, stderr=subprocess.PIPE, check=False
    )
    os.close(gone)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("raw", "looks_like"),
    [
        (b"hello\n", "text"),
        (b"-----BEGIN CERTIFICATE-----\n", "PEM: a certificate or a key"),
        (b"<device/>", "XML: a configuration file that was not signed"),
        (b"\x30\x82\x01\x01", "DER: a certificate or a PKCS#12 file"),
        (b"\xff\xfe\x00", "something else"),
    ],
)
def test_verify_says_what_another_file_looks_like(
    tmp_path: Path, raw: bytes, looks_like: str
) -> None:
    (tmp_path / "file").write_bytes(raw)
    status, _, err = call("verify", str(tmp_path / "file"))
    assert status == 1
    assert f"is no trust list and no signed file: it looks like {looks_like}" in (
        err.decode()
    )


def test_an_option_with_a_bad_value_is_named() -> None:
    status, _, err = call("node", "add", "x", "--tftp", "host:99999")
    assert status == 2
    assert b"argument --tftp: 'host:99999': A port is a number" in err
