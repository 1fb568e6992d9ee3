"""Sections that change no result: `hardware`, `hub` and `tracking`. No stage depends on them."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.params.section import Section, matching


class LaunchParams(Section):
    """Processes that train and score together, one on each GPU."""

    processes: int = Field(ge=1)
    machines: int = Field(ge=1)
    rendezvous: Annotated[str | None, matching(r"[^:/\s]+:\d+", "HOST:PORT, like 10.0.0.1:29500, or null")]

    @model_validator(mode="after")
    def _machines_meet(self) -> "LaunchParams":
        if self.machines > 1 and self.rendezvous is None:
            raise ValueError(
                f"machines is {self.machines} and rendezvous null; wanted HOST:PORT of the machine that runs "
                "the step, where the others find it"
            )
        return self


class HardwareParams(Section):
    """What of this machine may be used; null is measured."""

    threads: int | None = Field(ge=1, le=1024)
    memory_bytes: int | None = Field(ge=0)
    compile: bool | None
    save_minutes: float | None = Field(ge=0)
    launch: LaunchParams | None
    min_free_disk_bytes: int = Field(ge=0)


class HubParams(Section):
    """Where the Hub is, and how long it is waited for."""

    endpoint: Annotated[
        str | None,
        matching(r"https?://[^/]+", "http:// or https:// and a host, without a slash behind it, or null"),
    ]
    plain_http: tuple[str, ...]
    xet: bool
    timeout_seconds: float = Field(gt=0)
    download_timeout_seconds: float = Field(gt=0)
    retries: int = Field(ge=0)
    backoff_seconds: float = Field(ge=0)
    patience_hours: float = Field(ge=0)


class TrackingParams(Section):
    """The experiment tracker that is told of each candidate.

    Attributes:
        kind: Whose library; it must be installed: `pip install mlflow-skinny`, or `trackio`.
        project: MLflow's experiment, or trackio's project.
        uri: MLflow's tracking server, or `sqlite:///FILE`; trackio's folder on this machine; null: as
            MLFLOW_TRACKING_URI or TRACKIO_DIR says.
    """

    kind: Literal["mlflow", "trackio"]
    project: Annotated[str, Field(min_length=1)]
    uri: str | None

    @model_validator(mode="after")
    def _trackio_is_told_here(self) -> "TrackingParams":
        if self.kind == "trackio" and self.uri is not None and "://" in self.uri:
            raise ValueError(
                f"tracking.uri is {self.uri!r}, and trackio is told on this machine, where what it keeps "
                "can be seen; wanted a folder, or null for TRACKIO_DIR. Correct it"
            )
        return self
