"""The card's pictures, as SVG that reads on a light and on a dark page; equal records give equal bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from pipeline.records import CurvePoint, HeldOut, Metrics, ModelName, SplitScores, Training
from pipeline.stages.card.sections.score_tables import of_documents

# A mid grey has contrast enough on white and on black; the page shows through the background.
_GREY = "#808890"
_COLOURS = {"base": "#9a6fd0", "live": "#d98324", "anchor": "#4a8fd0", "candidate": "#2f9e6e"}
_NAMES: dict[ModelName, str] = {"base": "base", "live": "live", "candidate": "this model", "anchor": "anchor"}
_LOSSES = {"training_loss": _COLOURS["live"], "validation_loss": _COLOURS["base"]}
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
        names = ", ".join(_NAMES[name] for name in _drawn(metrics, split))
        found["scores"] = f"{accuracy}nDCG@10 at every number of dimensions on {split}: {names}"
    if len(metrics.stored_vectors) >= _LEAST_DOTS:
        found["bytes"] = (
            "nDCG@10 over the bytes of a stored vector, for every width and precision, the recommended one "
            "marked"
        )
    losses = {name: points for name in _LOSSES if (points := _points(training, name))}
    if max(map(len, losses.values()), default=0) >= _LEAST_DOTS:
        named = " and ".join(name.split("_")[0] for name in losses).capitalize()
        accuracy = "" if not _scored(training) else ", and accuracy on dev at every number of dimensions,"
        found["training"] = f"{named} loss{accuracy} over the steps"
    return found


def _drawn(metrics: Metrics, split: HeldOut) -> list[ModelName]:
    """Return the models in the picture of scores; the anchor is none of them."""
    return [name for name in _NAMES if name != "anchor" and _has(metrics, name, split)]


def _has(metrics: Metrics, name: ModelName, split: HeldOut) -> bool:
    return name in metrics.models and bool(metrics.models[name].splits[split].retrieval)


def _points(training: Training, loss: str) -> list[tuple[int, float]]:
    """Return step and loss, where it was measured."""
    return [(one.step, value) for one in training.curve if (value := getattr(one, loss)) is not None]


def _scored(training: Training) -> list[CurvePoint]:
    """Return the steps at which accuracy on dev was measured; of pairs, and without evaluations, none."""
    return [point for point in training.curve if point.accuracy]


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
        axes.set_ylabel(_ndcg(metrics, split))
        axes.legend()
        _save(figure, path)


def draw_scores(metrics: Metrics, split: HeldOut, path: Path) -> None:
    """Draw accuracy with its 95% interval, and nDCG@10, at every width, one line per model."""
    drawn = [_accuracies, _ndcgs] if metrics.candidate.splits[split].triplets else [_ndcgs]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7, 3.2), layout="constrained")
        for place, panel in enumerate(drawn):
            axes = figure.add_subplot(1, len(drawn), place + 1)
            for model in _drawn(metrics, split):
                panel(axes, model, metrics.models[model].splits[split])
            axes.set_xlabel("dimensions")
            title = f"triplet accuracy, {split}" if panel is _accuracies else _ndcg(metrics, split)
            axes.set_title(title, color=_GREY, fontsize="medium")
        lines, names = axes.get_legend_handles_labels()
        figure.legend(lines, names, loc="outside upper center", ncols=len(names))
        _save(figure, path)


def _ndcg(metrics: Metrics, split: HeldOut) -> str:
    """Name nDCG@10 on a split with the texts that were searched."""
    searched = next(iter(metrics.candidate.splits[split].retrieval.values()))
    return f"nDCG@10, {split}{of_documents(searched.documents)}"


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
        scored = _scored(training)
        losses: Axes = figure.add_subplot(1, 2 if scored else 1, 1)
        for name, colour in _LOSSES.items():
            points = _points(training, name)
            if points:
                steps, values = zip(*points, strict=True)
                losses.plot(steps, values, marker="o", color=colour, label=name.replace("_", " "))
        losses.set_xlabel("step")
        losses.set_ylabel("loss")
        _explain(losses)
        if scored:
            _draw_accuracies(figure.add_subplot(1, 2, 2), scored, dims)
        _save(figure, path)


def _draw_accuracies(axes: Axes, scored: Sequence[CurvePoint], dims: tuple[int, ...]) -> None:
    for place, dim in enumerate(dims):
        points = [(one.step, one.accuracy[dim]) for one in scored if one.accuracy and dim in one.accuracy]
        if points:
            axes.plot(
                *zip(*points, strict=True),
                marker="o",
                color=_COLOURS["candidate"],
                alpha=1 - 0.7 * place / max(1, len(dims) - 1),
                label=str(dim),
            )
    axes.set_xlabel("step")
    axes.set_ylabel("triplet accuracy, dev")
    _explain(axes, title="dimensions")


def _explain(axes: Axes, title: str | None = None) -> None:
    # A training without evaluations has nothing to explain, of which matplotlib would warn.
    if axes.get_legend_handles_labels()[0]:
        axes.legend(title=title)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})
