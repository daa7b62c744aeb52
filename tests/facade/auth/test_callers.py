"""Callers: the owner of a key or token, and the crons that this owner may see."""

import re
from typing import Any

import pytest

from graphcron.facade.auth.callers import (
    EVERYBODY,
    NOBODY,
    Caller,
    Keys,
    Mode,
    check_crons,
    identify,
    owner_of_user,
    read_keys,
    reviewed,
)
from graphcron.facade.errors import RestError

ADA, BOB = "a" * 24, "b" * 24


def keys(**files: str) -> Keys:
    found, faults = read_keys({name: text.encode() for name, text in files.items()})
    assert faults == []
    return found


def labelled(owner: str | None) -> dict[str, Any]:
    labels = {} if owner is None else {"labels": {"graphcron.dev/owner": owner}}
    return {"metadata": {"name": "x"} | labels}


MISTAKES: dict[str, tuple[dict[str, str], str]] = {
    "nothing at all": ({}, "it has no API keys"),
    "an empty file": ({"ada": ""}, "'ada' has no API key"),
    "blank lines": ({"ada": " \n\n"}, "'ada' has no API key"),
    "a short key": ({"ada": "hunter2"}, "line 1 of 'ada' is too short for an API key: use at least 16 characters"),
    "a short second key": ({"ada": f"{ADA}\nhunter2"}, "line 2 of 'ada' is too short"),
    "a key with a space": ({"ada": "hunter2 hunter2 hunter2"}, "line 1 of 'ada' is no API key"),
    "a key that no header carries": ({"ada": "hunter2-hunter2-hünter2"}, "line 1 of 'ada' is no API key"),
    "an owner that is no label": ({"ada-": ADA}, "'ada-' cannot be an owner"),
    "a long owner": ({"b" * 64: ADA}, "cannot be an owner: a name is at most 63"),
    "one key for two": ({"ada": ADA, "bob": ADA}, "'ada' and 'bob' have the same API key"),
}


class TestKeys:
    def test_each_key_is_its_owners(self) -> None:
        known = keys(ada=ADA, bob=BOB)
        assert (known.owner_of(ADA), known.owner_of(BOB), known.owner_of("c" * 24)) == ("ada", "bob", None)

    @pytest.mark.parametrize("close", [ADA[:-1], ADA + "a", ADA.upper(), "", " " + ADA, "\udcff" + ADA])
    def test_almost_the_key_is_not_the_key(self, close: str) -> None:
        assert keys(ada=ADA).owner_of(close) is None

    def test_an_owner_may_have_a_key_on_each_line(self) -> None:
        """So that a new key is let in before the old one goes; editors and `echo` leave line ends."""
        known = keys(ada=f"{ADA}\r\n\n  {BOB}  \n")
        assert (known.owner_of(ADA), known.owner_of(BOB), known.owner_of("")) == ("ada", "ada", None)

    def test_neither_keys_nor_digests_show_when_printed(self) -> None:
        assert repr(keys(ada=ADA)) == "Keys()"

    def test_all_digests_are_compared_even_after_a_match(self) -> None:
        """The time must not tell which owner it was; so a later equal digest, which reading refuses, would win."""
        ((digest, _),) = keys(ada=ADA).digests
        assert Keys(((digest, "first"), (digest, "last"))).owner_of(ADA) == "last"

    @pytest.mark.parametrize(("files", "sentence"), MISTAKES.values(), ids=MISTAKES)
    def test_a_mistake_is_told_and_the_key_is_not(self, files: dict[str, str], sentence: str) -> None:
        _, faults = read_keys({name: text.encode() for name, text in files.items()})
        (fault,) = faults
        assert sentence in fault
        assert "hunter2" not in fault
        assert ADA not in fault

    def test_a_mistake_lets_nobody_in_and_the_others_stay(self) -> None:
        known, faults = read_keys(
            {"ada": ADA.encode(), "bob": b"short", "eve-": b"e" * 24, "x": b"k" * 24, "y": b"k" * 24}
        )
        assert len(faults) == 3
        assert [known.owner_of(key) for key in (ADA, "short", "e" * 24, "k" * 24)] == ["ada", None, None, None]


class TestIdentify:
    def test_open_means_everybody_with_and_without_a_key(self) -> None:
        assert identify(Mode.OPEN, Keys(), []) == identify(Mode.OPEN, Keys(), ["x", "y"]) == EVERYBODY

    def test_without_a_mode_it_is_nobody_whatever_is_sent(self) -> None:
        assert identify(Mode.CLOSED, keys(ada=ADA), [ADA]) == NOBODY

    def test_a_key_names_its_owner(self) -> None:
        assert identify(Mode.API_KEYS, keys(ada=ADA), [ADA]) == Caller("ada")

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ([], "No API key was sent"),
            ([""], "not known here"),
            ([BOB], "not known here"),
            ([ADA, ADA], "send one"),
        ],
    )
    def test_all_else_is_401_without_the_key(self, given: list[str], sentence: str) -> None:
        with pytest.raises(RestError, match=sentence) as refused:
            identify(Mode.API_KEYS, keys(ada=ADA), given)
        assert refused.value.status == 401
        assert BOB not in refused.value.detail

    def test_no_keys_let_nobody_in(self) -> None:
        with pytest.raises(RestError, match="not known"):
            identify(Mode.API_KEYS, Keys(), [""])

    def test_crons_without_a_mode_are_403_naming_the_value_to_set(self) -> None:
        with pytest.raises(RestError, match=r"facade\.auth\.mode") as refused:
            check_crons(NOBODY)
        assert refused.value.status == 403
        check_crons(EVERYBODY)
        check_crons(Caller("ada"))


class TestOwners:
    @pytest.mark.parametrize(
        ("caller", "seen"),
        [
            (Caller("ada"), [True, False, False, False]),
            (EVERYBODY, [True, True, True, True]),
            (NOBODY, [False, False, False, False]),
        ],
        ids=["an owner", "everybody", "nobody"],
    )
    def test_who_sees_which(self, caller: Caller, seen: list[bool]) -> None:
        assert [caller.may_see(labelled(owner)) for owner in ("ada", "bob", "", None)] == seen

    def test_what_an_owner_makes_carries_the_owner_and_other_labels_stay(self) -> None:
        made = Caller("ada").own({"metadata": {"name": "x", "labels": {"a": "b", "graphcron.dev/owner": "bob"}}})
        assert made["metadata"] == {"name": "x", "labels": {"a": "b", "graphcron.dev/owner": "ada"}}
        assert EVERYBODY.own(labelled(None)) == labelled(None)


def test_a_token_for_another_audience_is_not_good() -> None:
    told = {"authenticated": True, "user": {"username": "ada"}}
    assert reviewed({"status": told}, None).owner
    assert reviewed({"status": told | {"audiences": ["graphcron"]}}, "graphcron").owner
    for audiences in ([], ["https://kubernetes.default.svc"]):
        with pytest.raises(RestError, match="audience"):
            reviewed({"status": told | {"audiences": audiences}}, "graphcron")
    with pytest.raises(RestError, match="audience"):
        reviewed({"status": told}, "graphcron")  # of an apiserver that knows nothing of audiences


@pytest.mark.parametrize("name", ["ada", "system:serviceaccount:team:ada", "a@example.com", "Ä" * 300, "x" * 300, "-"])
def test_an_owner_of_kubernetes_is_a_label_value_and_nobody_elses(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?", owner_of_user(name))
    assert owner_of_user(name) != owner_of_user(name + "-")
