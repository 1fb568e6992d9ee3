"""What a model is, as far as its small JSON files tell; what is no text encoder of one vector is refused."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pipeline.errors import InvalidData
from pipeline.stages.pin.model.modules import (
    MODULES,
    WITH_WEIGHTS,
    ModulePart,
    configuration,
    entry,
    modules,
)

_SENTENCE = "config_sentence_transformers.json"
_ADAPTER = "adapter_config.json"

# What may follow a Transformer.
_FOLLOWING = WITH_WEIGHTS - {"Transformer"} | {"Pooling", "Normalize", "Dropout"}
_TWO_WAYS = {"Router", "Asym"}
_SPARSE = {"MLMTransformer", "SparseAutoEncoder", "SparseStaticEmbedding", "SpladePooling", "IDF"}
_SPARSE_KINDS = {"SparseEncoder"}
# A SPLADE that sentence-transformers did not save is a masked language model like any BERT: only its card,
# its name or its weights for words tell.
_SPARSE_TAGS = {"splade", "sparse-encoder", "learned sparse", "learned-sparse", "neural-sparse"}
_SPARSE_FILES = {"query_token_weights.txt", "idf.json"}
_CROSS_KINDS = {"CrossEncoder"}
_MULTI_VECTOR_KINDS = {"MultiVectorEncoder", "ColBERT"}
_PICTURES = {"CLIPModel"}
# Of transformers: what only models of pictures or sounds have.
_OTHER_SENSES = ("vision_config", "audio_config", "image_size", "patch_size", "num_mel_bins")


def refuse_others(
    configs: Mapping[str, Any], paths: frozenset[str], repo: str, tags: Collection[str] = ()
) -> None:
    """Refuse what training could not start from, by what it is.

    Args:
        configs: The small JSON files by path.
        paths: All files of the repository.
        repo: The model, for the message; what its name says of a plain masked language model counts.
        tags: Of its card.

    Raises:
        InvalidData: It is an adapter, a sparse encoder, a cross-encoder, a multi-vector model, a model of
            pictures or sounds, quantized, needs code of its own, or has modules that are not trained here.
    """
    for what, wanted in _other_kinds(configs, paths, repo, {tag.lower() for tag in tags}):
        raise InvalidData(f"model {repo} is {what}; {wanted}")


def _other_kinds(
    configs: Mapping[str, Any], paths: frozenset[str], repo: str, tags: set[str]
) -> Iterator[tuple[str, str]]:
    parts = modules(configs, repo)
    first = f"{parts[0].folder}/" if parts[0].folder else ""
    config, sentence = configuration(configs, parts), entry(configs, _SENTENCE)
    architectures = [str(one) for one in _listed(config.get("architectures"))]
    kinds = {part.kind for part in parts}
    rooms = {room for part in parts for room in part.source.split(".")}
    kind, similarity = str(sentence.get("model_type")), str(sentence.get("similarity_fn_name")).lower()
    encoder = "wanted a model that makes one dense vector of a text. Pin such a model"

    adapter = next((one for one in (_ADAPTER, f"{first}{_ADAPTER}") if one in paths), None)
    if adapter is not None:
        whole = str(entry(configs, adapter).get("base_model_name_or_path") or "its own base")
        yield (
            f"an adapter ({adapter}) to {whole}",
            "wanted a whole model. Merge it first (peft: `merge_and_unload()`), save, and pin that",
        )
    splade = "" if MODULES in configs else _splade(architectures, paths, repo, tags)
    if kinds & _SPARSE or kind in _SPARSE_KINDS or "sparse_encoder" in rooms or splade:
        named = ", ".join(sorted(kinds & _SPARSE)) or splade or kind
        yield f"a sparse encoder ({named}): its vectors have a number for each word", encoder
    if (
        kind in _CROSS_KINDS
        or "cross_encoder" in rooms
        or (MODULES not in configs and _scores_pairs(config, architectures))
    ):
        yield (
            f"a cross-encoder ({_named(architectures, kind)}): it scores pairs and makes no vectors",
            encoder,
        )
    colbert = [one for one in architectures if "colbert" in one.lower() or one.endswith("ForRetrieval")]
    tokens = kinds >= {"Transformer", "Dense"} and not kinds & {"Pooling", "WeightedLayerPooling"}
    if (
        kind in _MULTI_VECTOR_KINDS
        or {"pylate", "multi_vector_encoder"} & rooms
        or similarity == "maxsim"
        or colbert
        or "artifact.metadata" in paths
        or (tokens and not _pooled(configs, first))
    ):
        named = _named(colbert, kind if kind in _MULTI_VECTOR_KINDS else "")
        yield f"a multi-vector model{named and f' ({named})'}: it makes a vector of each token", encoder
    senses = [key for key in _OTHER_SENSES if config.get(key) is not None]
    if kinds & _PICTURES or senses or f"{first}preprocessor_config.json" in paths:
        named = next(iter(sorted(kinds & _PICTURES)), str(config.get("model_type") or "its own preprocessor"))
        yield f"a model of pictures or sounds ({named})", encoder
    if config.get("quantization_config") is not None:
        how = str(entry(config, "quantization_config").get("quant_method") or "quantization_config")
        yield f"quantized ({how}): such weights cannot be trained", "wanted its weights as floats. Pin those"
    if kinds & _TWO_WAYS:
        yield (
            f"made of two encoders ({', '.join(sorted(kinds & _TWO_WAYS))}), for queries and for documents",
            "wanted one way for both. Pin another model",
        )
    yield from _modules_not_trained(parts)


def _modules_not_trained(parts: tuple[ModulePart, ...]) -> Iterator[tuple[str, str]]:
    foreign = [
        f"{part.source}.{part.kind}" for part in parts if part.source.split(".")[0] != "sentence_transformers"
    ]
    if foreign:
        yield (
            f"made of {', '.join(foreign)}: code that comes with the model",
            "wanted modules of sentence-transformers only, because no model's own code is run here. "
            "Pin another model",
        )
    if parts[0].kind != "Transformer":
        yield (
            f"made of {', '.join(part.kind for part in parts)}",
            "wanted a Transformer first, which is what is trained here. Pin another model",
        )
    unknown = [part.kind for part in parts[1:] if part.kind not in _FOLLOWING]
    if unknown:
        yield (
            f"made of {', '.join(part.kind for part in parts)}",
            f"wanted no {', '.join(unknown)} behind the Transformer, but {', '.join(sorted(_FOLLOWING))} "
            "alone. Pin another model",
        )


def _splade(architectures: list[str], paths: frozenset[str], repo: str, tags: set[str]) -> str:
    """Return what tells that a masked language model is a SPLADE; nothing where nothing does."""
    if not any(one.endswith("ForMaskedLM") for one in architectures):
        return ""
    found = sorted(tags & _SPARSE_TAGS) or sorted(paths & _SPARSE_FILES)
    return ", ".join(found) or ("splade" if "splade" in repo.lower() else "")


def _scores_pairs(config: Mapping[str, Any], architectures: list[str]) -> bool:
    return "sentence_transformers" in config or any(
        one.endswith("ForSequenceClassification") for one in architectures
    )


def _pooled(configs: Mapping[str, Any], first: str) -> bool:
    """Return whether the Transformer itself is said to give one vector of a text."""
    said = entry(configs, f"{first}sentence_bert_config.json").get("module_output_name")
    return said == "sentence_embedding"


def _named(found: list[str], otherwise: str) -> str:
    return ", ".join(found[:2]) or otherwise


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
