"""Who is let in; no socket is opened."""

from typing import get_args

from cucmsh.config import tvs as configured
from cucmsh.tvs import contexts
from cucmsh.tvs.limits import MORE, Crowd, Limits


def test_the_configuration_has_the_same_defaults_and_versions_of_tls() -> None:
    """Neither room may import the other."""
    said = configured.TvsSettings()._asdict()
    assert {name: said[name] for name in Limits._fields} == Limits()._asdict()
    assert set(get_args(configured.TlsMinimum)) == set(get_args(contexts.TlsMinimum))
    shown_by = contexts.Identity._field_defaults
    assert said["tls_minimum"] == shown_by["tls_minimum"]


def test_defaults_let_a_thousand_phones_behind_one_address_in() -> None:
    crowd = Crowd(Limits())
    refusals = [crowd.refusal("192.0.2.1") for _ in range(1001)]
    assert refusals == [""] * 1000 + ["refused: it has 1000 connections"]


def test_each_address_has_its_own_places_and_all_share_those_in_all() -> None:
    crowd = Crowd(Limits(connections=3, connections_per_address=2))
    assert [crowd.refusal(each) for each in ("a", "a", "b")] == ["", "", ""]
    assert crowd.refusal("b") == "refused: 3 connections are open"
    assert crowd.refusal("c") == MORE


def test_a_refusal_is_told_once_until_somebody_leaves() -> None:
    crowd = Crowd(Limits(connections_per_address=1))
    assert crowd.refusal("a") == ""
    assert crowd.refusal("a") != MORE
    assert crowd.refusal("a") == MORE
    crowd.leave("a")
    assert crowd.refusal("a") == ""
    assert crowd.refusal("a") != MORE


def test_workers_share_the_places_in_all() -> None:
    limits = Limits(connections=5, connections_per_address=4)
    assert limits.part_of(1) == limits
    assert limits.part_of(2) == limits._replace(connections=3)
