"""The card's pictures, as SVG that reads on a light and on a dark page; equal records give equal bytes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from pipeline.records import HeldOut, Metrics, ModelName, SplitScores, Training

# A mid grey has contrast enough on white and on black; the page shows through the background.
_GREY = "#808890"
_COLOURS = {"base": "#9a6fd0", "live": "#d98324", "anchor": "#4a8fd0", "candidate": "#2f9e6e"}
_PRECISIONS = {"float32": "#2f9e6e", "int8": "#d98324", "binary": "#4a8fd0"}
_STYLE: Any = {
    "svg.hashsalt": "katman",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "text.color": _GREY,
    "axes.labelcolor": _GREY,
    "axes.edgecolor": _GREY,
    "xtick.color": _GREY,
    "ytick.color": _GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def draw(metrics: Metrics, training: Training, dims: tuple[int, ...], split: HeldOut, folder: Path) -> None:
    """Draw everything that a card shows."""
    if metrics.candidate.splits[split].triplets:
        draw_accuracy(metrics, split, folder / "accuracy.svg")
    else:
        draw_ndcg(metrics, split, folder / "ndcg.svg")
    draw_bytes(metrics, folder / "bytes.svg")
    draw_training(training, dims, folder / "training.svg")


def draw_bytes(metrics: Metrics, path: Path) -> None:
    """Draw nDCG@10 over the bytes of a stored vector, a line per precision, the recommended ones marked."""
    chosen = metrics.recommended
    split: HeldOut = "test" if "test" in chosen.ndcg10 else "dev"
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 3.6), layout="constrained")
        axes = figure.add_subplot()
        for precision, colour in _PRECISIONS.items():
            points = [
                (one.bytes_per_vector, one.ndcg10[split])
                for one in metrics.stored_vectors
                if one.precision == precision
            ]
            if points:
                axes.plot(*zip(*sorted(points), strict=True), marker="o", color=colour, label=precision)
        axes.plot(
            chosen.bytes_per_vector,
            chosen.ndcg10[split],
            marker="o",
            markersize=14,
            markerfacecolor="none",
            markeredgecolor=_GREY,
            linestyle="none",
            label=f"recommended: {chosen.dim} {chosen.precision}",
        )
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xlabel("bytes of a stored vector")
        axes.set_ylabel(f"nDCG@10, {split}")
        axes.legend()
        _save(figure, path)


def draw_accuracy(metrics: Metrics, split: HeldOut, path: Path) -> None:
    """Draw accuracy with its 95% interval at every width, one line per model."""

    def line(axes: Axes, model: ModelName, scores: SplitScores) -> None:
        points = sorted(scores.triplets.items())
        values = [point.accuracy for _, point in points]
        below = [max(0.0, point.accuracy - point.low) for _, point in points]
        above = [max(0.0, point.high - point.accuracy) for _, point in points]
        axes.errorbar(
            [str(dim) for dim, _ in points],
            values,
            yerr=[below, above],
            marker="o",
            capsize=4,
            color=_COLOURS[model],
            label=model,
        )

    _draw_by_width(metrics, split, f"triplet accuracy, {split}", line, path)


def draw_ndcg(metrics: Metrics, split: HeldOut, path: Path) -> None:
    """Draw nDCG@10 of the split's own queries at every width, one line per model."""

    def line(axes: Axes, model: ModelName, scores: SplitScores) -> None:
        points = sorted(scores.retrieval.items())
        axes.plot(
            [str(dim) for dim, _ in points],
            [point.ndcg10 for _, point in points],
            marker="o",
            color=_COLOURS[model],
            label=model,
        )

    _draw_by_width(metrics, split, f"nDCG@10, {split}", line, path)


def _draw_by_width(
    metrics: Metrics,
    split: HeldOut,
    measure: str,
    line: Callable[[Axes, ModelName, SplitScores], None],
    path: Path,
) -> None:
    """Draw a measure of one split over the widths, by a function that draws one model's line."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 3.6), layout="constrained")
        axes = figure.add_subplot()
        for model, scores in metrics.models.items():
            line(axes, model, scores.splits[split])
        axes.set_xlabel("dimensions")
        axes.set_ylabel(measure)
        axes.legend()
        _save(figure, path)


def draw_training(training: Training, dims: tuple[int, ...], path: Path) -> None:
    """Draw both losses, and the dev accuracy at every width, over the steps."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 3.6), layout="constrained")
        losses: Axes = figure.add_subplot(1, 2, 1)
        curve = training.curve
        for name, colour in (("training_loss", _COLOURS["live"]), ("validation_loss", _COLOURS["base"])):
            points = [
                (point.step, getattr(point, name)) for point in curve if getattr(point, name) is not None
            ]
            if points:
                steps, values = zip(*points, strict=True)
                losses.plot(steps, values, marker="o", color=colour, label=name.replace("_", " "))
        losses.set_xlabel("step")
        losses.set_ylabel("loss")
        _explain(losses)
        accuracy: Axes = figure.add_subplot(1, 2, 2)
        for place, dim in enumerate(dims):
            scored = [(point.step, point.accuracy[dim]) for point in curve if point.accuracy is not None]
            if scored:
                shade = 1 - 0.7 * place / max(1, len(dims) - 1)
                accuracy.plot(
                    *zip(*scored, strict=True),
                    marker="o",
                    color=_COLOURS["candidate"],
                    alpha=shade,
                    label=str(dim),
                )
        accuracy.set_xlabel("step")
        accuracy.set_ylabel("triplet accuracy, dev")
        _explain(accuracy, title="dimensions")
        _save(figure, path)


def _explain(axes: Axes, title: str | None = None) -> None:
    # A training without evaluations has nothing to explain, of which matplotlib would warn.
    if axes.get_legend_handles_labels()[0]:
        axes.legend(title=title)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})
