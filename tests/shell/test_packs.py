import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from cucmsh.errors import CommandClashError, PackError
from cucmsh.shell.complete import complete
from cucmsh.shell.grammar import Grammar
from cucmsh.shell.packs import load_pack, load_packs

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


BUILT_IN = {"a": MODULE.format(phrase="show itl", name="show_itl")}
BREAKS = {
    "syntax": "def\n",
    "import": "import no_such_module_at_all\n",
    "error": "raise KeyError('a secret')\n",
    "exit": "import sys\nsys.exit(7)\n",
    "interrupt": "raise KeyboardInterrupt\n",
    "own class": "class Odd(BaseException): pass\nraise Odd('a secret')\n",
    "same phrase": MODULE.format(phrase="b", name="b") * 2
    + MODULE.format(phrase="b", name="again"),
    "recursion": "def f(): f()\nf()\n",
    "bad phrase": MODULE.format(phrase="<x", name="x"),
}


def load_all(tmp_path: Path, *names: str) -> tuple[list[str], list[str]]:
    """The phrases that load, and what is said of packs that do not."""
    broken: list[str] = []
    found = load_packs(
        "builtin_toy", tmp_path, names, lambda error: broken.append(error.message)
    )
    assert [pack.name for pack in found] == ["builtin_toy", *names]
    assert [pack.problem for pack in found if pack.problem] == broken
    return [each.phrase for pack in found for each in pack.commands], broken


@pytest.mark.thorough
@pytest.mark.parametrize("text", BREAKS.values(), ids=BREAKS)
def test_a_broken_pack_costs_its_own_commands_and_one_line(
    write_pack: WritePack, tmp_path: Path, text: str
) -> None:
    write_pack("builtin_toy", BUILT_IN)
    write_pack("broken_toy", {"a": MODULE.format(phrase="a", name="a"), "b": text})
    write_pack("sound_toy", {"a": MODULE.format(phrase="show more", name="more")})
    phrases, broken = load_all(tmp_path, "broken_toy", "no_such_toy", "sound_toy")
    assert phrases == ["show itl", "show more"]
    assert len(broken) == 2
    assert "'broken_toy'" in broken[0]
    assert "'no_such_toy'" in broken[1]
    assert "secret" not in broken[0]
    assert "\n" not in broken[0]


def test_two_packs_with_one_phrase_are_an_error_that_names_both(
    write_pack: WritePack, tmp_path: Path
) -> None:
    write_pack("builtin_toy", BUILT_IN)
    write_pack("other_toy", {"b": MODULE.format(phrase="show itl", name="mine")})
    found = load_packs("builtin_toy", tmp_path, ["other_toy"], lambda _: None)
    with pytest.raises(CommandClashError) as caught:
        Grammar(each for pack in found for each in pack.commands)
    assert "builtin_toy.a.show_itl and other_toy.b.mine" in caught.value.message


@pytest.mark.parametrize("what", ["pack", "module", "folder above", "cache"])
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_a_pack_that_others_may_change_does_not_run(
    write_pack: WritePack, tmp_path: Path, what: str, mode: int
) -> None:
    write_pack("builtin_toy", BUILT_IN)
    above = tmp_path / "above"
    above.mkdir()
    sys.path.insert(0, str(above))  # the fixture puts the path back
    write_pack("strange_toy", {"a": "raise SystemExit('it ran')\n"})
    pack = (tmp_path / "strange_toy").rename(above / "strange_toy")
    (pack / "__pycache__").mkdir()
    paths = {
        "pack": pack,
        "module": pack / "a.py",
        "folder above": above,
        "cache": pack / "__pycache__",
    }
    weak = paths[what]
    weak.chmod(weak.stat().st_mode | mode)
    phrases, broken = load_all(tmp_path, "strange_toy")
    assert phrases == ["show itl"]
    assert "it ran" not in broken[0]
    assert "can be changed by" in broken[0]
    weak.chmod(weak.stat().st_mode & ~mode)
    assert "broke off with SystemExit" in load_all(tmp_path, "strange_toy")[1][0]


@pytest.mark.thorough
@pytest.mark.parametrize(
    "what", ["way to it", "itself", "module", "folder in it", "beside it"]
)
@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_pack_that_a_link_leads_to_is_looked_at_on_the_whole_way(
    write_pack: WritePack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    mode: int,
) -> None:
    write_pack("builtin_toy", BUILT_IN)
    write_pack("strange_toy", {"a": "raise SystemExit('it ran')\n"})
    shared = tmp_path / "shared"  # where others may write
    shared.mkdir()
    pack = tmp_path / "strange_toy"
    way = tmp_path / "way"
    way.mkdir()
    if what == "way to it":  # PATH -> shared/link -> a good place
        pack.rename(way / "strange_toy")
        (shared / "link").symlink_to(way)
        monkeypatch.syspath_prepend(str(shared / "link"))
    elif what == "itself":
        pack.rename(way / "strange_toy")
        (shared / "strange_toy").symlink_to(way / "strange_toy")
        monkeypatch.syspath_prepend(str(shared))
    elif what == "module":
        (pack / "a.py").rename(shared / "a.py")
        (pack / "a.py").symlink_to(shared / "a.py")
        mode &= 0o777  # the sticky bit would protect the module that is there
    elif what == "folder in it":
        (pack / "sub").symlink_to(shared)
        (shared / "more.py").touch()
    else:
        pack.rename(shared / "strange_toy")
        monkeypatch.syspath_prepend(str(shared))
    shared.chmod(mode)
    is_only_a_step = what == "way to it" and mode == 0o1777
    phrases, broken = load_all(tmp_path, "strange_toy")
    assert phrases == ["show itl"]
    if is_only_a_step:  # nobody may change the link, and no name is looked up there
        assert "broke off with SystemExit" in broken[0]
        return
    assert f"is not loaded: {shared} can be changed by others" in broken[0]
    shared.chmod(0o755)
    assert "broke off with SystemExit" in load_all(tmp_path, "strange_toy")[1][0]


@pytest.mark.parametrize("target", ["joe@host.4711:1", ".#a.py", "x" * 300])
def test_a_link_that_leads_nowhere_costs_its_pack_and_one_line(
    write_pack: WritePack, tmp_path: Path, target: str
) -> None:
    write_pack("builtin_toy", BUILT_IN)
    write_pack("odd_toy", {"a": MODULE.format(phrase="a", name="a")})
    write_pack("sound_toy", {"a": MODULE.format(phrase="show more", name="more")})
    (tmp_path / "odd_toy" / ".#a.py").symlink_to(target)  # an editor's lock
    phrases, (broken,) = load_all(tmp_path, "odd_toy", "sound_toy")
    assert phrases == ["show itl", "show more"]
    assert f"{tmp_path / 'odd_toy' / '.#a.py'} cannot be looked at" in broken


@pytest.mark.parametrize(
    "name", [".hidden.py", "two words.py", "a-b.py", ".py", "1.py"]
)
def test_a_file_that_is_no_module_is_none(
    write_pack: WritePack, tmp_path: Path, name: str
) -> None:
    write_pack("toypack", {"a": MODULE.format(phrase="show itl", name="show")})
    (tmp_path / "toypack" / name).write_text("raise SystemExit('it ran')\n")
    assert [each.phrase for each in load_pack("toypack")] == ["show itl"]


def test_a_pack_in_a_zip_costs_one_line(
    write_pack: WritePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pack("builtin_toy", BUILT_IN)
    with zipfile.ZipFile(tmp_path / "packs.zip", "w") as file:
        file.writestr("zipped_toy/__init__.py", MARKER)
        file.writestr("zipped_toy/a.py", MODULE.format(phrase="a", name="a"))
    (tmp_path / "broken.zip").write_bytes(b"PK no zip")
    monkeypatch.syspath_prepend(str(tmp_path / "broken.zip"))
    monkeypatch.syspath_prepend(str(tmp_path / "packs.zip"))
    phrases, (broken,) = load_all(tmp_path, "zipped_toy")
    assert phrases == ["show itl"]
    assert "'zipped_toy' cannot be looked at: " in broken


def test_a_pack_of_another_owner_does_not_run(
    write_pack: WritePack, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("LOUD: only root can give a file away")
    write_pack("builtin_toy", BUILT_IN)
    write_pack("strange_toy", {"a": "raise SystemExit('it ran')\n"})
    os.chown(tmp_path / "strange_toy" / "a.py", 12345, 0)
    assert "belongs to user id 12345" in load_all(tmp_path, "strange_toy")[1][0]


def test_a_pack_of_the_working_directory_does_not_run(
    write_pack: WritePack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pack("builtin_toy", BUILT_IN)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.syspath_prepend(str(here))
    write_pack("strange_toy", {"a": "raise SystemExit('it ran')\n"})
    (tmp_path / "strange_toy").rename(here / "strange_toy")
    monkeypatch.chdir(here)
    phrases, broken = load_all(tmp_path, "strange_toy")
    assert phrases == ["show itl"]
    assert "would come from the working directory" in broken[0]


def test_the_built_in_pack_is_no_pack_that_may_be_missing(tmp_path: Path) -> None:
    with pytest.raises(PackError):
        load_packs("no_such_toy", tmp_path, [], lambda _: None)


def test_a_pack_says_where_it_lies(write_pack: WritePack, tmp_path: Path) -> None:
    write_pack("builtin_toy", BUILT_IN)
    (pack,) = load_packs("builtin_toy", tmp_path, [], lambda _: None)
    assert pack.path == str(tmp_path / "builtin_toy")


NAMED = """
PACK = "toy"
COMMANDS = {"one": ("show one <name>",), "two": ("show two",), "three": ("show three",)}
"""


@pytest.fixture
def named(write_pack: WritePack, tmp_path: Path) -> Path:
    """A pack that says what its modules hold; the third one cannot be imported."""
    modules = {
        "one": MODULE.format(phrase="show one", name="show_one"),
        "two": MODULE.format(phrase="show two", name="show_two"),
        "three": "raise LookupError\n",
    }
    write_pack("toypack", modules)
    (tmp_path / "toypack/__init__.py").write_text(NAMED)
    return tmp_path


def test_a_module_that_the_pack_names_is_imported_when_its_command_is_typed(
    named: Path,
) -> None:
    grammar = Grammar(load_pack("toypack"))
    assert [each.phrase for each in grammar.declared][1:] == ["show two", "show three"]
    assert sorted(grammar.top.words["show"].words) == ["one", "three", "two"]
    assert "toypack.two" not in sys.modules
    assert grammar.parse("show two").command.place == "toypack.two.show_two"
    assert "toypack.one" not in sys.modules


def test_a_named_module_that_breaks_costs_its_own_commands(named: Path) -> None:
    grammar = Grammar(load_pack("toypack"))
    with pytest.raises(PackError, match=r"broke off with LookupError while"):
        grammar.parse("show three")
    assert [each.text for each in complete(grammar, None, "show t")] == ["three", "two"]
    assert grammar.parse("show two").command.phrase == "show two"


def test_a_command_that_its_module_does_not_hold_is_told(named: Path) -> None:
    grammar = Grammar(load_pack("toypack"))
    with pytest.raises(PackError, match=r"names 'show one <name>' in toypack\.one"):
        grammar.parse("show one x")


def test_an_odd_object_costs_a_pack_nothing(write_pack: WritePack) -> None:
    odd = """
class Odd(type):
    @property
    def __module__(self):
        raise BaseException("a secret")
class Thing(metaclass=Odd):
    pass
"""
    write_pack("toypack", {"a": odd + MODULE.format(phrase="show itl", name="show")})
    assert [each.phrase for each in load_pack("toypack")] == ["show itl"]
