"""Sections that change speed, not results: `hardware` and `hub`. No stage depends on them."""

from pydantic import Field

from pipeline.params.section import Section


class HardwareParams(Section):
    """What of this machine may be used; null is measured."""

    threads: int | None = Field(ge=1)
    memory_bytes: int | None = Field(ge=0)
    compile: bool | None
    save_minutes: float | None = Field(ge=0)
    min_free_disk_bytes: int = Field(ge=0)


class HubParams(Section):
    """Where the Hub is, and how long it is waited for."""

    endpoint: str | None = Field(pattern=r"^https?://[^/]+$")
    xet: bool
    timeout_seconds: float = Field(gt=0)
    download_timeout_seconds: float = Field(gt=0)
    retries: int = Field(ge=0)
    backoff_seconds: float = Field(ge=0)
