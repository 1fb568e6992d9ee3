"""No signed address stands in a log."""

import logging

import pytest


def test_hub_log_shows_no_signed_address(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("huggingface_hub.utils._http")
    with caplog.at_level(logging.WARNING, logger=logger.name):
        logger.warning("HTTP Error 500 thrown while requesting PUT http://a/b/1?expires=9&signature=x again")
        logger.warning("%s of %s", 1, "http://a/?token=x")
    assert [record.getMessage() for record in caplog.records] == [
        "HTTP Error 500 thrown while requesting PUT http://a/b/1 again",
        "1 of http://a/",
    ]
