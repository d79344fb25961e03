import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from cucmsh.errors import CommandClashError
from cucmsh.shell.packs import find_pack, load_pack, load_packs

MODULE = '''
from cucmsh.shell.command import command
@command("{phrase}")
def {name}(dialog, context):
    """Do {name}."""
'''
MARKER = "PACK = True\n"
WritePack = Callable[..., str]


@pytest.fixture
def write_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WritePack]:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(name: str, modules: Mapping[str, str], marker: str = MARKER) -> str:
        package = tmp_path / name
        package.mkdir()
        for module, text in {"__init__": marker, **modules}.items():
            (package / f"{module}.py").write_text(text)
        return name

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_commands_come_module_by_module_and_then_as_written(
    write_pack: WritePack,
) -> None:
    one = MODULE.format(phrase="z one", name="z_one")
    two = MODULE.format(phrase="a two", name="a_two")
    write_pack(
        "toypack", {"itl": one + two, "cert": MODULE.format(phrase="c", name="c")}
    )
    found = load_pack("toypack")
    assert [each.phrase for each in found] == ["c", "z one", "a two"]
    assert found[0].place == "toypack.cert.c"


def test_a_command_that_another_module_imports_is_taken_once(
    write_pack: WritePack,
) -> None:
    modules = {
        "a": "from toypack.b import show\n",
        "b": MODULE.format(phrase="s", name="show"),
    }
    write_pack("toypack", modules)
    assert [each.place for each in load_pack("toypack")] == ["toypack.b.show"]


def test_two_commands_with_one_phrase_are_named(write_pack: WritePack) -> None:
    text = MODULE.format(phrase="show itl", name="show")
    write_pack("toypack", {"a": text, "b": text})
    with pytest.raises(
        CommandClashError, match=r"toypack\.a\.show and toypack\.b\.show"
    ):
        load_pack("toypack")


def test_a_package_without_the_marker_is_refused_by_name_and_path(
    write_pack: WritePack, tmp_path: Path
) -> None:
    write_pack("toypack", {}, marker="")
    with pytest.raises(CommandClashError) as caught:
        load_pack("toypack")
    assert "'toypack'" in caught.value.message
    assert str(tmp_path) in caught.value.message


@pytest.mark.parametrize("marker", ["raise SystemExit('the stranger ran')", None])
def test_a_strangers_package_is_refused_before_a_line_of_it_runs(
    write_pack: WritePack, tmp_path: Path, marker: str | None
) -> None:
    write_pack("toypack", {}, marker=marker or "")
    if marker is None:
        (tmp_path / "toypack" / "__init__.py").unlink()
    elsewhere = tmp_path / "home"
    with pytest.raises(CommandClashError) as caught:
        load_pack("toypack", beside=elsewhere)
    assert str(tmp_path / "toypack") in caught.value.message
    assert str(elsewhere / "toypack") in caught.value.message


def test_a_package_in_its_place_is_loaded(
    write_pack: WritePack, tmp_path: Path
) -> None:
    write_pack("toypack", {"a": MODULE.format(phrase="show itl", name="show")})
    assert len(load_pack("toypack", beside=tmp_path)) == 1
    (tmp_path / "link").symlink_to(tmp_path)
    assert len(load_pack("toypack", beside=str(tmp_path / "link"))) == 1


@pytest.mark.parametrize("text", ["import no_such_module_at_all\n"])
def test_a_pack_that_cannot_be_imported_is_one_clear_error(
    write_pack: WritePack, text: str
) -> None:
    write_pack("toypack", {"a": text})
    with pytest.raises(CommandClashError, match="no_such_module_at_all"):
        load_pack("toypack")


@pytest.mark.parametrize("name", ["no_such_pack_at_all", "json.decoder", "sys"])
def test_what_is_no_pack_is_refused(name: str) -> None:
    with pytest.raises(CommandClashError, match=name):
        load_pack(name)


def test_a_broken_pack_has_a_problem_and_no_commands(write_pack: WritePack) -> None:
    write_pack("toypack", {"a": "import no_such_module_anywhere\n"})
    found = find_pack("toypack")
    assert found.commands == ()
    assert "no_such_module_anywhere" in found.problem


def test_a_whole_pack_says_where_it_lies(write_pack: WritePack, tmp_path: Path) -> None:
    write_pack("toypack", {"a": MODULE.format(phrase="a", name="a")})
    found = find_pack("toypack")
    assert (found.path, found.problem) == (str(tmp_path / "toypack"), "")
    assert [each.phrase for each in found.commands] == ["a"]


def test_the_built_in_pack_may_not_be_broken(tmp_path: Path) -> None:
    with pytest.raises(CommandClashError):
        find_pack("commands", beside=tmp_path)


def test_a_broken_pack_costs_one_warning_and_no_other_pack(
    write_pack: WritePack,
) -> None:
    write_pack("brokenpack", {"a": "import no_such_module_anywhere\n"})
    write_pack("toypack", {"a": MODULE.format(phrase="toy", name="a")})
    warned: list[str] = []
    project = Path(__file__).parents[2]
    others = ("brokenpack", "toypack")
    grammar = load_packs("commands", project, others, warned.append)
    assert len(warned) == 1
    assert "brokenpack" in warned[0]
    assert grammar.parse("toy").command.place == "toypack.a.a"
    assert [pack.name for pack in grammar.packs] == ["commands", *others]


def test_two_packs_with_one_phrase_are_an_error_that_names_both(
    write_pack: WritePack,
) -> None:
    write_pack("toypack", {"a": MODULE.format(phrase="show itl", name="a")})
    project = Path(__file__).parents[2]
    with pytest.raises(CommandClashError, match=r"show_itl and toypack\.a\.a"):
        load_packs("commands", project, ("toypack",), lambda _: None)
