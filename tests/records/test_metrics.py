"""Which of the measured models the candidate is held to."""

from pipeline.records import Metrics
from tests.support.records import METRICS


def test_rivals_are_live_and_anchor_where_they_were_measured() -> None:
    metrics = Metrics.model_validate_json(METRICS.read_bytes())
    base, candidate = metrics.models["base"], metrics.models["candidate"]
    alone = metrics.model_copy(update={"models": {"base": base, "candidate": candidate}})
    assert alone.rivals == {}
    assert alone.candidate is candidate
    both = alone.model_copy(update={"models": alone.models | {"anchor": base, "live": candidate}})
    assert list(both.rivals) == ["live", "anchor"]
    assert both.rivals["anchor"] is base
