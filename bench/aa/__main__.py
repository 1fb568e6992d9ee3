"""A/A: the sample's recipe with ten seeds, each judged against each other by the real gate; then with damage.

    python -m bench.aa                              # the sample's data set; within two hours on two cores
    python -m bench.aa --data WORKSPACE             # any other: a workspace where `pin` and `audit` ran
    python -m bench.aa --seeds 3 --damaged-seeds 1  # a first look

Damage is planted in the train split behind the audit, so that the gate alone can find it. Every finished
training and judgement is a file below `--out`: a run that was stopped goes on. Prints the table that stands
in docs/gate.md, and ends with one line of JSON, and with exit code 1 on a miss.
"""

import argparse
import contextlib
import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import torch

from bench.aa import damage, rates, room, scoring
from bench.aa.damage import DAMAGES, Damage
from bench.aa.rates import Judgement, Rate
from bench.gate.draws import PROJECT
from pipeline.dataset import negatives
from pipeline.device.hardware import device_name, granted_threads
from pipeline.embedding import loading
from pipeline.engine.fit import fit
from pipeline.engine.recipe import Hardware
from pipeline.params import Params, load
from pipeline.stages.train.step import recipe
from pipeline.wording import sentence
from pipeline.workspace import paths

# Seeds truly differ, and margins are for that; more refused equals would be too many.
_MOST_REFUSED = 0.1
# What nobody wants to see released, nearly always refused.
_LEAST_REFUSED = 0.95
_RUINED: tuple[Damage, ...] = ("shuffled_100", "swapped")


def main() -> int:
    """Train, judge, and print the table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", type=Path, default=PROJECT / ".bench" / "aa")
    p.add_argument("--data", type=Path, help="a workspace where pin and audit ran; default: the sample's")
    p.add_argument("--seeds", type=int, default=10)
    p.add_argument("--damaged-seeds", type=int, default=3, help="of each damage")
    p.add_argument("--damages", nargs="*", choices=DAMAGES[1:], default=DAMAGES[1:])
    p.add_argument("--threads", type=int, help="default: as params.yaml and the machine say")
    a = p.parse_args()
    out = a.out.resolve()
    workspace = room.pinned(out / "sample") if a.data is None else a.data.resolve()
    params = _with_threads(load(workspace), a.threads)
    plan: dict[Damage, int] = {"none": a.seeds, **dict.fromkeys(a.damages, a.damaged_seeds)}
    for one, seed in trainings(plan):
        train(workspace, params, out, one, seed)
    judgements = judge(workspace, params, out, plan)
    found = rates.rates(judgements)
    print(rates.table(found, plan))
    figures = figure(found)
    machine = f"{device_name(torch.device('cpu'))}, {torch.get_num_threads()} threads"
    print(json.dumps({"figures": figures, "machine": machine}))
    return 0 if all(one["ok"] for one in figures.values()) else 1


def _with_threads(params: Params, asked: int | None) -> Params:
    """Set how many threads one operation may use, here and in training."""
    threads = next((one for one in (asked, params.hardware.threads) if one is not None), granted_threads())
    torch.set_num_threads(threads)
    return params.model_copy(update={"hardware": params.hardware.model_copy(update={"threads": threads})})


def trainings(plan: dict[Damage, int]) -> Iterator[tuple[Damage, int]]:
    """Yield what is trained, in turn: the first seed of each damage before the second of any."""
    yield from (("none", seed) for seed in range(plan["none"]))
    most = max(plan.values())
    yield from ((one, seed) for seed in range(most) for one in plan if one != "none" and seed < plan[one])


def train(workspace: Path, params: Params, out: Path, one: Damage, seed: int) -> None:
    """Train one model, unless it stands there; its folder comes by a rename, whole or not at all."""
    folder = out / "models" / f"{one}-{seed}"
    if folder.exists():
        return
    begun = time.monotonic()
    columns = {name: _columns(workspace, name) for name in ("train", "dev")}
    planted = damage.plant(one, columns["train"], seed)
    model = loading.load_as(workspace / paths.BASE, params.model)
    seeded = params.train.model_copy(update={"seed": seed})
    hardware = Hardware(params.hardware.threads, params.hardware.memory_bytes, params.hardware.compile)
    checkpoints = out / "checkpoints" / folder.name
    with contextlib.redirect_stdout(sys.stderr):  # the trainer logs there; standard output is the table's
        fit(model, planted, columns["dev"], recipe(seeded, params.model), hardware, checkpoints, resume=True)
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    model.save_pretrained(str(unfinished), create_model_card=False, safe_serialization=True)
    unfinished.rename(folder)
    shutil.rmtree(checkpoints, ignore_errors=True)
    print(f"{folder.name}: trained in {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)


def _columns(workspace: Path, split: str) -> damage.Columns:
    rows = pl.read_parquet(paths.clean(workspace, split))
    return {name: rows[name].to_list() for name in ("query", "positive")} | negatives.columns(rows)


def judge(workspace: Path, params: Params, out: Path, plan: dict[Damage, int]) -> list[Judgement]:
    """Judge every model against every undamaged one that it is not."""
    names = [f"{one}-{seed}" for one, seed in trainings(plan)]
    lives = [f"none-{seed}" for seed in range(plan["none"])]
    asked = [(name, live) for name in names for live in lives if name != live]
    kept = out / "judgements"
    kept.mkdir(parents=True, exist_ok=True)
    files = {pair: kept / f"{pair[0]}--{pair[1]}.json" for pair in asked}
    if not all(path.exists() for path in files.values()):
        judging = scoring.Judge(workspace, params, out / "vectors")
        models = {name: judging.measure(out / "models" / name) for name in names}
        for (name, live), path in files.items():
            if path.exists():
                continue
            verdict = judging.judge(models[name], models[live])
            said = Judgement(
                candidate=name,
                live=live,
                outcome=verdict.outcome,
                sentence=str(sentence.say(verdict)),
                causes=rates.causes(verdict),
                visible=rates.visible(verdict),
                patterns=tuple(verdict.patterns),
            )
            path.with_suffix(".unfinished").write_text(said.model_dump_json(indent=1), encoding="utf-8")
            path.with_suffix(".unfinished").rename(path)
            print(f"{name} beside {live}: {said.sentence}", file=sys.stderr, flush=True)
    return [Judgement.model_validate_json(path.read_bytes()) for path in files.values()]


def figure(found: list[Rate]) -> dict[str, dict[str, object]]:
    """Return what was wanted, and whether it was found."""
    refused = {rate.damage: rate.share for rate in found if rate.what == "refused"}
    figures: dict[str, dict[str, object]] = {
        "equal_refused": {
            "value": refused["none"],
            "wanted": f"<= {_MOST_REFUSED}",
            "ok": refused["none"] <= _MOST_REFUSED,
        }
    }
    for one in _RUINED:
        if one in refused:
            share = refused[one]
            figures[f"{one}_refused"] = {
                "value": share,
                "wanted": f">= {_LEAST_REFUSED}",
                "ok": share >= _LEAST_REFUSED,
            }
    return figures


if __name__ == "__main__":
    sys.exit(main())
