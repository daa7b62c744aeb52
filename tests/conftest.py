"""What all tests share: the one switch for those that take long."""

import pytest

from tests.support.extent import Extent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--exhaustive", action="store_true", help="have the longest tests do all that they can")


def pytest_report_header(config: pytest.Config) -> str:
    return str(Extent(config.getoption("exhaustive")))


@pytest.fixture(scope="session")
def extent(pytestconfig: pytest.Config) -> Extent:
    return Extent(pytestconfig.getoption("exhaustive"))
