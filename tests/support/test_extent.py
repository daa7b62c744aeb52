"""A sample is the same each time, and part of all."""

from tests.support.extent import Extent


def test_a_sample_is_the_same_each_time_and_in_order() -> None:
    chosen = Extent(exhaustive=False).choose(range(1000), 10)
    assert chosen == Extent(exhaustive=False).choose(range(1000), 10)
    assert len(set(chosen)) == 10
    assert chosen == sorted(chosen)
    assert chosen != list(range(10))


def test_exhaustive_is_all_of_it() -> None:
    assert Extent(exhaustive=True).choose(range(1000), 10) == list(range(1000))
    assert Extent(exhaustive=True).count(200, 60) == 200


def test_of_less_than_a_sample_all_is_taken() -> None:
    assert Extent(exhaustive=False).choose("abc", 10) == ["a", "b", "c"]
