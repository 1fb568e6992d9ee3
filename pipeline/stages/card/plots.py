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
_NAMES: dict[ModelName, str] = {"base": "base", "live": "live", "candidate": "this model", "anchor": "anchor"}
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


# Fewer dots than these are no picture: a table says as much.
_LEAST_DOTS = 5


def shown(metrics: Metrics, training: Training, split: HeldOut) -> dict[str, str]:
    """Return what each picture that is worth one shows, in words, by its name."""
    scores = metrics.candidate.splits[split]
    found = {}
    if len(scores.retrieval) > 1:
        accuracy = "Triplet accuracy with 95% intervals and " if scores.triplets else ""
        found["scores"] = f"{accuracy}nDCG@10 of each model at every number of dimensions on {split}"
    if len(metrics.stored_vectors) >= _LEAST_DOTS:
        found["bytes"] = (
            "nDCG@10 over the bytes of a stored vector, for every width and precision, the recommended one "
            "marked"
        )
    if len(training.curve) >= _LEAST_DOTS:
        accuracy = ", and accuracy on dev at every number of dimensions," if scores.triplets else ""
        found["training"] = f"Training and validation loss{accuracy} over the steps"
    return found


def draw(metrics: Metrics, training: Training, dims: tuple[int, ...], split: HeldOut, folder: Path) -> None:
    """Draw everything that a card shows."""
    drawn: dict[str, Callable[[Path], None]] = {
        "scores": lambda path: draw_scores(metrics, split, path),
        "bytes": lambda path: draw_bytes(metrics, path),
        "training": lambda path: draw_training(training, dims, path),
    }
    for name in shown(metrics, training, split):
        drawn[name](folder / f"{name}.svg")


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


def draw_scores(metrics: Metrics, split: HeldOut, path: Path) -> None:
    """Draw accuracy with its 95% interval, and nDCG@10, at every width, one line per model."""
    drawn = [_accuracies, _ndcgs] if metrics.candidate.splits[split].triplets else [_ndcgs]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 3.2), layout="constrained")
        for place, panel in enumerate(drawn):
            axes = figure.add_subplot(1, len(drawn), place + 1)
            for model, scores in metrics.models.items():
                if model != "anchor":
                    panel(axes, model, scores.splits[split])
            axes.set_xlabel("dimensions")
            axes.set_title(
                f"{'triplet accuracy' if panel is _accuracies else 'nDCG@10'}, {split}",
                color=_GREY,
                fontsize="medium",
            )
        lines, names = axes.get_legend_handles_labels()
        figure.legend(lines, names, loc="outside upper center", ncols=len(names))
        _save(figure, path)


def _accuracies(axes: Axes, model: ModelName, scores: SplitScores) -> None:
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
        label=_NAMES[model],
    )


def _ndcgs(axes: Axes, model: ModelName, scores: SplitScores) -> None:
    points = sorted(scores.retrieval.items())
    axes.plot(
        [str(dim) for dim, _ in points],
        [point.ndcg10 for _, point in points],
        marker="o",
        color=_COLOURS[model],
        label=_NAMES[model],
    )


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
