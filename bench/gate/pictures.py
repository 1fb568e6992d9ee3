"""The two pictures of docs/gate.md."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.gate import rates as single
from bench.gate.kept import Job, run

_GREY, _GREEN, _ORANGE = "#808890", "#2f9e6e", "#d98324"


def rates(pool: Executor, kept: Path, rows: int, draws: int, path: Path) -> None:
    """Draw how often a candidate passes over how much worse than live it truly is."""
    shares = np.linspace(0, 2, 9).tolist()
    with _figure(path, 1) as (axes,):
        for count, colour in ((rows, _GREEN), (rows // 3, _ORANGE)):
            jobs = [Job(single.passed_at, (share, count, draws)) for share in shares]
            passed = [found / draws for found in run(pool, jobs, kept)]
            axes.plot(shares, passed, marker="o", color=colour, label=f"{count:,} test rows")
        axes.axvline(1, color=_GREY, linestyle=":")
        axes.set_xlabel("how much worse than live it truly is, in margins of accuracy")
        axes.set_ylabel("share of candidates that pass")
        axes.legend(frameon=False)


def chain(
    passing: Sequence[Sequence[int]],
    drifts: Mapping[tuple[float, float], Sequence[Sequence[float]]],
    alpha: float,
    path: Path,
) -> None:
    """Draw the chance that any candidate so far passed that is worse by the margin, and how live drifts."""
    last = len(next(iter(drifts.values()))[0])
    weeks = np.arange(1, last + 1)
    firsts = np.array([min(one, default=last) for one in passing])
    with _figure(path, 2) as (left, right):
        left.plot(weeks, [(firsts < week).mean() for week in weeks], color=_GREEN, label="simulated")
        left.plot(weeks, weeks * 2 * alpha / last, color=_GREY, linestyle=":", label="sum of the levels")
        left.plot([1, 10], [alpha] * 2, color=_ORANGE, label="allowed")
        left.plot([10, last], [2 * alpha] * 2, color=_ORANGE)
        left.set_xlabel("weekly candidates, each worse by the margin")
        left.set_ylabel("chance that any has passed")
        left.legend(frameon=False)
        for (step, spread), chains in drifts.items():
            mean = np.mean(np.array(chains), axis=0)
            name = f"{step:.2f}" + (f" ± {spread}" if spread else "")
            [line] = right.plot(weeks, mean, label=name)
            right.fill_between(weeks, mean, np.max(chains, axis=0), color=line.get_color(), alpha=0.15, lw=0)
        right.axhline(1, color=_ORANGE)
        right.set_xlabel("week; mean of the chains, and the worst")
        right.set_ylabel("live below the anchor, in its margins")
        right.legend(title="each worse by, in margins", frameon=False, fontsize="small")


@contextmanager
def _figure(path: Path, columns: int) -> Iterator[Sequence[Any]]:
    """Give axes to draw on, in colours that both light and dark pages show; saved at the end."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "katman", "svg.fonttype": "none", "text.color": _GREY}):
        figure = Figure(figsize=(7 if columns == 1 else 9, 3.4), layout="constrained")
        every = figure.subplots(1, columns, squeeze=False)[0]
        yield every
        for axes in every:
            for spine in axes.spines.values():
                spine.set_color(_GREY)
            axes.tick_params(colors=_GREY)
            axes.xaxis.label.set_color(_GREY)
            axes.yaxis.label.set_color(_GREY)
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})
