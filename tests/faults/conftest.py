"""One template for the session, and a lane for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import lanes
from tests.faults.lanes import Lane, Template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return lanes.make_template(tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def lane(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    with lanes.lane(tmp_path_factory.mktemp("lane") / "one", template) as one:
        yield one
