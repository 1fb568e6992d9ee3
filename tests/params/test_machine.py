"""The section `hardware`: machines that train together need a place to meet."""

import pytest

from pipeline.params.machine import LaunchParams


def test_launch_of_several_machines_needs_the_place_where_they_meet() -> None:
    with pytest.raises(ValueError, match=r"machines is 2 and rendezvous null; wanted HOST:PORT"):
        LaunchParams(processes=1, machines=2, rendezvous=None)
    assert LaunchParams(processes=8, machines=1, rendezvous=None).processes == 8


@pytest.mark.parametrize("address", ["10.0.0.1", "http://10.0.0.1:29500", "10.0.0.1:port", ":29500"])
def test_launch_refuses_a_place_that_is_no_host_and_port(address: str) -> None:
    with pytest.raises(ValueError, match="rendezvous"):
        LaunchParams(processes=1, machines=2, rendezvous=address)
