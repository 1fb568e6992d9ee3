"""What rows can show is more with more rows, and known before anything is trained."""

import pytest

from pipeline.errors import InvalidParams
from pipeline.judging import power
from pipeline.judging.power import LEAST_DISCORDANCE, USUAL_DISCORDANCE
from tests.support.judged_rows import gate, traits


@pytest.mark.parametrize("rows", [300, 3_000])
def test_power_grows_with_more_rows_and_fewer_differences(rows: int) -> None:
    params = gate()
    few = power.visible(
        power.comparable(traits(rows), params), params, params.live_margins, LEAST_DISCORDANCE
    )
    usual = power.visible(
        power.comparable(traits(rows), params), params, params.live_margins, USUAL_DISCORDANCE
    )
    more = power.visible(
        power.comparable(traits(4 * rows), params), params, params.live_margins, USUAL_DISCORDANCE
    )
    for metric in ("ndcg", "accuracy", "hard"):
        assert few[metric].visible <= usual[metric].visible
        assert more[metric].visible < usual[metric].visible


def test_power_is_that_of_the_rows_that_no_trained_text_is_near() -> None:
    found = power.comparable(traits(100, near=40, per_cluster=2), gate())
    assert (len(found.rows), len(found.queries), len(found.hard), found.clusters) == (60, 60, 6, 30)
    assert set(found.rows) == set(range(30))


def test_power_needs_the_column_that_clusters_are_made_of() -> None:
    with pytest.raises(InvalidParams, match="wanted component or one of"):
        power.comparable(traits(10), gate(cluster="topic"))


def test_power_of_no_rows_shows_nothing() -> None:
    params = gate()
    nothing = power.comparable(traits(0), params)
    assert power.visible(nothing, params, params.live_margins, USUAL_DISCORDANCE) == {}
    assert power.suggested(nothing, params).accuracy == 1.0


def test_suggested_margins_are_kept_by_an_equal_candidate_and_widened_for_the_anchor() -> None:
    params = gate()
    found = power.comparable(traits(2_000), params)
    margins = power.suggested(found, params)
    bounds = power.visible(found, params, margins, USUAL_DISCORDANCE)
    assert 0 < bounds["accuracy"].visible <= margins.accuracy < 0.1
    wider = power.wider(margins)
    assert margins.accuracy < wider.accuracy <= 0.15
