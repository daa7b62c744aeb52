"""The zone of a schedule in a run pod, whatever its image has."""

from pathlib import Path

import pytest

from graphcron.firing import zones
from graphcron.firing.zones import ZONE_FILE, zone_of


def test_without_data_of_our_own_it_is_the_systems() -> None:
    assert not (Path(zones.__file__).parent / ZONE_FILE).exists()
    assert zone_of("Europe/Berlin").key == "Europe/Berlin"


def test_a_name_that_is_none_is_no_zone() -> None:
    with pytest.raises(KeyError):
        zone_of("Europe/Nowhere")
