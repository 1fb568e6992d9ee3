"""Which files of a model repository are fetched: configuration, tokenizer, and each module's weights."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from pipeline.embedding.weight_formats import OTHER_WEIGHTS, SAFETENSORS, VOCABULARIES, suffix
from pipeline.errors import InvalidData
from pipeline.hub import ListedFile
from pipeline.stages.pin.model.modules import WITH_WEIGHTS, ModulePart

# Weights for other runtimes and pictures: nothing that training reads.
OTHER_FOLDERS = {"onnx", "openvino", "flax", "imgs", "images", "assets"}
_SUFFIXES = VOCABULARIES | {".json", SAFETENSORS}
_WHOLE = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_PICKLE = re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin")
_ROOT = (ModulePart("Transformer", "sentence_transformers", ""),)
# No configuration is as large as this; a vocabulary is.
_SMALL_BYTES = 2_000_000


def small_json(listed: Mapping[str, ListedFile]) -> set[str]:
    """Choose the JSON files that say what a model is: those at the root and in the folders of modules."""
    return {
        path
        for path, file in listed.items()
        if path.endswith(".json")
        and file.size <= _SMALL_BYTES
        and len(PurePosixPath(path).parts) <= 2
        and PurePosixPath(path).parts[0] not in OTHER_FOLDERS
        and PurePosixPath(path).name not in {"tokenizer.json", "vocab.json", "special_tokens_map.json"}
    }


def model_files(
    listed: Mapping[str, ListedFile],
    repo: str,
    allow_pickle: Sequence[str] | None,
    modules: Sequence[ModulePart] = _ROOT,
) -> set[str]:
    """Choose what training needs of a model repository: safetensors, configuration and tokenizer.

    A pickle is chosen only where `allow_pickle` names it and no safetensors stands beside it; None names none
    and asks for none, as no setting would let it through.

    Raises:
        InvalidData: A module has no weights, or they are pickles that params.yaml does not allow.
    """
    near = {path for path in listed if PurePosixPath(path).parts[0] not in OTHER_FOLDERS}
    chosen = {path for path in near if PurePosixPath(path).suffix in _SUFFIXES or path == "README.md"}
    safe_folders = {PurePosixPath(path).parent for path in chosen if path.endswith(SAFETENSORS)}
    chosen |= {
        path for path in allow_pickle or () if path in near and PurePosixPath(path).parent not in safe_folders
    }
    for module in modules:
        if module.kind in WITH_WEIGHTS:
            _hold_weights(near, chosen, repo, module, ask=allow_pickle is not None)
    return chosen


def _hold_weights(near: set[str], chosen: set[str], repo: str, module: ModulePart, *, ask: bool) -> None:
    """Refuse a module whose weights were not chosen."""
    home = PurePosixPath(module.folder)
    if str(home / _WHOLE) in near or str(home / _INDEX) in near:
        return
    beside = {path for path in near if PurePosixPath(path).parent == home}
    pickles = sorted(path for path in beside if _PICKLE.fullmatch(PurePosixPath(path).name))
    whole = [path for path in pickles if PurePosixPath(path).name == "pytorch_model.bin"]
    pickles = whole or pickles
    if pickles and chosen.issuperset(pickles):
        return
    where = f"its module {module.folder} ({module.kind})" if module.folder else "it"
    others = sorted(path for path in beside if suffix(path) in OTHER_WEIGHTS | {SAFETENSORS})
    if pickles and ask:
        lacking = [path for path in pickles if path not in chosen]
        what_to_do = (
            "A pickle can run code when it is loaded: if you trust this commit, "
            f"name its {' and its '.join(lacking)} in base.allow_pickle"
        )
    elif others:
        what_to_do = (
            "Load it where it can be read and save it again, which writes safetensors; or pin another model"
        )
    else:
        what_to_do = "Pin a commit that has them"
    raise InvalidData(
        f"model {repo}: {where} has no {_WHOLE}, only {', '.join(others) or 'no weights at all'}; "
        f"wanted {home / _WHOLE}. {what_to_do}"
    )
