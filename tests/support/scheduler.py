"""Which tests xdist gives to one worker: those of a file, and all that share a Prefect server."""

from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

# A server of its own in each worker costs more than the tests wait for each other, most of which only wait.
TOGETHER = ("tests/flows/",)


class Scheduler(LoadFileScheduling):  # type: ignore[misc]
    """xdist's `--dist loadfile`, with some folders as one file."""

    def _split_scope(self, nodeid: str) -> str:
        return next(
            (folder for folder in TOGETHER if nodeid.startswith(folder)), super()._split_scope(nodeid)
        )
