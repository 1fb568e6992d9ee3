"""Step `pin`: bring data set, models and probes here, each at one commit, checked file by file."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipeline.dataset.training_fingerprint import TRAINED_ROWS, demand_known
from pipeline.hub import Hub
from pipeline.params import Params
from pipeline.params.pin import MtebProbe
from pipeline.records import BaseTrial, Pin, PinnedRepo
from pipeline.stages.pin import (
    dataset_rows,
    downloads,
    fetched,
    languages,
    measured_sets,
    mteb_sets,
    table_process,
    trained,
)
from pipeline.stages.pin.downloads import Download
from pipeline.stages.pin.measured_sets import MeasuredSet
from pipeline.stages.pin.model.kept_trials import kept
from pipeline.stages.pin.model.trial_process import changes, tried
from pipeline.stages.pin.tables.rows import Loaded
from pipeline.workspace import holdout, lineage, paths


def run(workspace: Path, params: Params) -> Pin:
    """Pin everything that params.yaml names by commit, and hold the splits to the ledger.

    Nothing is written before everything was fetched and read, and the ledger grows last: a pin that fails
    leaves no group held out that no record knows of.

    Raises:
        HubError: The Hub was not reached, or has no such commit.
        InvalidData: A split, file or column is missing or empty or holds something else than was promised,
            weights are pickles, the base is nothing that training can start from, the ledger is damaged, or a
            newer katman wrote what a release was trained on.
        InvalidParams: The ledger holds rows out by a folding that `dataset.languages` no longer names, or the
            recipe asks for more than the base has.
        BrokenChain: A downloaded file is not the one that the Hub lists, or not the one that the same commit
            had before.
    """
    before = lineage.opened(workspace, "pin")
    held = holdout.known(workspace)
    languages.demand_kept(params.dataset.languages, held)
    hub = Hub(params.hub, fetched.known(workspace))
    workers = params.pin.max_workers
    dataset, found, division = dataset_rows.fetch(hub, params.dataset, params.pin, held)
    base = downloads.base(
        hub, params.base.repo, params.base.revision, params.base.allow_pickle, max_workers=workers
    )
    live = downloads.release(hub, "live", params.live.repo, params.live.revision, max_workers=workers)
    anchor = downloads.release(
        hub, "anchor", params.release.repo, params.anchor.revision, max_workers=workers
    )
    for model in (live, anchor):
        if model is not None and TRAINED_ROWS in model.pinned.files:
            demand_known(model.folder / TRAINED_ROWS)
    trained_on, trained_rows = _trained(hub, params, live)
    sets = _measured_sets(hub, params)
    room = _empty(workspace / paths.CHECKPOINTS / "mteb")
    tasks = mteb_sets.fetch(hub, mteb_sets.asked_for(params), room, params.pin, params.hardware.threads)

    _write(workspace / paths.RAW, division.frames)
    base.copy(_empty(workspace / paths.BASE))
    converted = table_process.convert(workspace / paths.BASE, params.pin.limits)
    for name, model in (("live", live), ("anchor", anchor)):
        if model is None:
            _write(workspace / paths.MODELS[name], {}, f"params.yaml names no {name} revision")
        else:
            model.copy(_empty(workspace / paths.MODELS[name]))
    if trained_rows is not None:
        trained_rows.write_parquet(workspace / paths.LIVE / TRAINED_ROWS)
    own = sets.get("retrieval")
    probes = {name: sets[f"probes.{name}"] for name in params.probes if name not in tasks}
    _write(workspace / paths.RETRIEVAL, own.tables if own else {}, "params.yaml names no retrieval set")
    _write(workspace / paths.PROBES, {}, None if params.probes else "params.yaml names no probes")
    for name, one in probes.items():
        _write(workspace / paths.PROBES / name, one.tables)
    mteb_sets.move(tasks, workspace / paths.PROBES)
    shutil.rmtree(room)
    trial = kept(workspace, base.pinned, params, before.read, lambda: _tried(workspace, params))
    holdout.keep(workspace, division.newly_held, params.dataset.revision)
    sealed = lineage.seal(
        workspace,
        before,
        Pin(
            endpoint=hub.endpoint,
            dataset=_with_unused(dataset.pinned, found),
            subset=found.subset,
            unused_columns=division.unused,
            languages=params.dataset.languages,
            base=base.pinned,
            base_trial=trial,
            live=live.pinned if live else None,
            live_trained_on=trained_on.pinned if trained_on else None,
            anchor=anchor.pinned if anchor else None,
            retrieval=own.pinned if own else None,
            probes={name: one.pinned for name, one in (probes | tasks).items()},
            mteb={name: one.task for name, one in tasks.items()},
            qrels={key: one.qrels for key, one in sets.items() if one.qrels is not None},
            unknown_qrels={key: one.unknown_qrels for key, one in sets.items() if one.unknown_qrels},
            converted_pickles=converted,
            splits=division.origins,
        ),
    )
    fetched.keep(workspace, sealed)
    return sealed


def summary(pin: Pin) -> str:
    """Return a line per split: its rows, where they came from, and how many the ledger held here."""
    lines = []
    for name, split in pin.splits.items():
        held = f", {split.moved_in} held here by the ledger" if split.moved_in else ""
        lines.append(f"{name:<6} {split.rows} rows from {split.source}{', cut' if split.cut else ''}{held}")
    lines += [
        f"{key}: {count} qrels name an id that is not there, and were left out"
        for key, count in pin.unknown_qrels.items()
    ]
    lines += [f"probe  {name}: {mteb_sets.said(pin.probes[name], one)}" for name, one in pin.mteb.items()]
    if pin.unused_columns:
        lines.append(f"columns that nothing reads: {', '.join(pin.unused_columns)}")
    return "\n".join([*lines, *changes(pin.base_trial)])


def _tried(workspace: Path, params: Params) -> BaseTrial:
    """Try the base as it lies here, in a room that only saves time and is gone afterwards."""
    room = _empty(workspace / paths.CHECKPOINTS / "trial")
    try:
        return tried(workspace / paths.BASE, room, params)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _with_unused(dataset: PinnedRepo, found: Loaded) -> PinnedRepo:
    """Name the files that make no split, what describes the data set aside."""
    used = {path for paths in found.files.values() for path in paths} | {"README.md"}
    return dataset.model_copy(update={"unused": tuple(sorted(set(dataset.files) - used))})


def _trained(hub: Hub, params: Params, live: Download | None) -> tuple[Download | None, pl.DataFrame | None]:
    """Fetch what the live model was trained on, where not the model itself but params.yaml says so."""
    asked = params.live.trained_on
    if live is None or asked is None or TRAINED_ROWS in live.pinned.files:
        return None, None
    return trained.described(hub, asked, params.dataset, params.pin)


def _measured_sets(hub: Hub, params: Params) -> dict[str, MeasuredSet]:
    """Fetch and read the user's own retrieval set and the probes but mteb's, by their keys in params.yaml."""
    asked = {"retrieval": params.retrieval} | {f"probes.{name}": one for name, one in params.probes.items()}
    return {
        key: measured_sets.fetch(hub, key, one, params.pin)
        for key, one in asked.items()
        if one is not None and not isinstance(one, MtebProbe)
    }


def _write(folder: Path, tables: Mapping[str, pl.DataFrame], nothing: str | None = None) -> None:
    """Write tables into an emptied folder; where there is nothing to write, a file `none` says why."""
    _empty(folder)
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
    if not tables and nothing is not None:
        # DVC warns of an empty folder at every command.
        (folder / "none").write_text(f"{nothing}\n", encoding="utf-8")


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
