"""A card is rendered whatever of its optional parts is absent, and whichever two of them are."""

import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest

from pipeline.params import load
from pipeline.records import Audit, Comparison, Metrics, ModelScores
from pipeline.stages.card import plots
from pipeline.stages.card import step as card
from pipeline.stages.card.sections.tables import Read
from tests.golden import HERE

Change = Callable[[Read], Read]
# A table that is nothing but a head.
_WITHOUT_ROWS = re.compile(r"^\|[-:| ]+\|\n(?!\|)", re.MULTILINE)


def metrics(change: Callable[[Metrics], dict[str, object]]) -> Change:
    def changed(read: Read) -> Read:
        return _replace(read, metrics=read.metrics.model_copy(update=change(read.metrics)))

    return changed


def scores(**update: object) -> Change:
    """Change what each model scores on each split."""

    def model(one: ModelScores) -> ModelScores:
        splits = {name: split.model_copy(update=update) for name, split in one.splits.items()}
        return one.model_copy(update={"splits": splits})

    return metrics(lambda found: {"models": {name: model(one) for name, one in found.models.items()}})


def kinds(*left: str) -> Change:
    def change(found: Metrics) -> dict[str, object]:
        if found.mistakes is None:
            return {}
        some = {name: one for name, one in found.mistakes.kinds.items() if name in left}
        return {"mistakes": found.mistakes.model_copy(update={"kinds": some})}

    return metrics(change)


def without_models(*names: str) -> Change:
    def changed(read: Read) -> Read:
        left = {name: one for name, one in read.metrics.models.items() if name not in names}
        verdict = {name: at for name, at in read.verdict.compared_with.items() if name not in names}
        return _replace(
            read,
            metrics=read.metrics.model_copy(update={"models": left}),
            verdict=read.verdict.model_copy(update={"compared_with": verdict}),
        )

    return changed


def audit(**update: object) -> Change:
    return lambda read: _replace(read, audit=read.audit.model_copy(update=update))


def columns(*names: str) -> Change:
    """Leave or add columns of texts."""

    def changed(read: Read) -> Read:
        some = next(iter(read.audit.splits["test"].tokens.values()))
        splits = {
            name: one.model_copy(
                update={"tokens": {column: one.tokens.get(column, some) for column in names}}
            )
            for name, one in read.audit.splits.items()
        }
        return _replace(read, audit=read.audit.model_copy(update={"splits": splits}))

    return changed


def _replace(read: Read, **changes: Audit | Metrics | object) -> Read:
    return Read(**{**vars(read), **changes})


def _of_base(read: Read) -> dict[str, Comparison]:
    """The comparisons of a first release."""
    return {name: one for name, one in read.verdict.comparisons.items() if name.startswith("base_")}


PARTS: dict[str, Change] = {
    "triplets": lambda read: metrics(lambda _: {"mistakes": None})(
        scores(triplets={}, hard=None, slices={})(read)
    ),
    "hard subset": scores(hard=None),
    "slices": scores(slices={}),
    "mistakes": metrics(lambda _: {"mistakes": None}),
    "rows of one kind": kinds("other"),
    "rows of the other kind": kinds("signal"),
    "rows of any kind": kinds(),
    "probes": metrics(lambda _: {"probe_measures": {}}),
    "own retrieval set": metrics(lambda _: {"service": None}),
    "live": without_models("live"),
    "anchor": without_models("anchor"),
    "shortcuts": audit(shortcut={}),
    "personal data": audit(personal_data={}),
    "near rows": audit(near_train={}),
    "negatives": columns("query", "positive"),
    "one negative": columns("query", "positive", "negative", "negative_2"),
    "comparisons": lambda read: _replace(
        read, verdict=read.verdict.model_copy(update={"comparisons": {}, "assumptions": {}})
    ),
    "comparisons but the base's": lambda read: _replace(
        read, verdict=read.verdict.model_copy(update={"comparisons": _of_base(read)})
    ),
    "curve": lambda read: _replace(
        read,
        training=read.training.model_copy(
            update={
                "curve": tuple(
                    point.model_copy(update={"accuracy": None, "validation_loss": None})
                    for point in read.training.curve
                )
            }
        ),
    ),
    "energy": lambda read: _replace(
        read,
        training=read.training.model_copy(
            update={"speed": read.training.speed.model_copy(update={"energy_joules": None})}
        ),
    ),
    "licences": lambda read: _replace(
        read,
        pin=read.pin.model_copy(
            update={
                "base": read.pin.base.model_copy(update={"license": None}),
                "dataset": read.pin.dataset.model_copy(update={"license": "cc-by-4.0 and mit"}),
            }
        ),
    ),
}


@pytest.fixture(scope="module")
def read() -> Read:
    return card.records(HERE)


def test_card_is_rendered_without_any_two_of_its_parts(read: Read) -> None:
    params = load(HERE)
    for first, second in combinations(PARTS, 2):
        changed = PARTS[second](PARTS[first](read))
        text = card.render(
            params,
            changed,
            version="v1",
            code_commit=None,
            params_file="0" * 64,
            digests_of={},
            samples={"train": [], "dev": [], "test": []},
            mistakes={},
        )
        assert "Limitations" in text, (first, second)
        assert not _WITHOUT_ROWS.search(text), (first, second)


@pytest.mark.parametrize("part", PARTS)
def test_card_pictures_are_drawn_without_a_part(read: Read, part: str, tmp_path: Path) -> None:
    changed = PARTS[part](read)
    plots.draw(changed.metrics, changed.training, load(HERE).model.dims, "test", tmp_path)
    drawn = {path.stem for path in tmp_path.iterdir()}
    assert drawn == set(plots.shown(changed.metrics, changed.training, "test")) >= {"scores", "bytes"}
