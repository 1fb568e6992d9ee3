from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import HfApi

from bench import localhub as bench
from localhub.process import serve


@pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning")
def test_localhub_bench_counts_what_clients_and_server_say(tmp_path: Path) -> None:
    found = bench.measured(tmp_path, clients=3, seconds=1.0, half_sent=0)
    assert (found["server_errors"], found["client_errors"], found["lost_commits"]) == (0, 0, 0)
    assert 20 < found["peak_mib"] < bench.WANTED_MIB
    assert found["also"]["p99_ms"] > 0
    assert all(figure["ok"] for figure in bench.judged({**found, "listing_seconds": 0.0}).values())


def test_localhub_bench_misses_what_is_lost() -> None:
    found = {
        "server_errors": 0,
        "client_errors": 1,
        "lost_commits": 0,
        "listing_seconds": 2.999,
        "peak_mib": 301,
    }
    assert {name for name, one in bench.judged(found).items() if not one["ok"]} == {
        "client_errors",
        "peak_mib",
    }


def test_localhub_bench_finds_a_lost_commit(tmp_path: Path) -> None:
    with serve(tmp_path, [bench.USER]) as hub:
        api = HfApi(endpoint=hub.endpoint, token=bench.USER.token)
        api.create_repo(bench.REPO)
        head = str(api.model_info(bench.REPO).sha)
        assert bench.lost(api, bench.Done([head], [".gitattributes"])) == 0
        assert bench.lost(api, bench.Done([head, "0" * 40], [".gitattributes", "gone"])) == 2
