"""A base becomes what is judged and saved: unit vectors, cosines, no prompt that nobody asked for."""

from dataclasses import dataclass
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import Normalize
from torch.nn import Embedding

from pipeline.errors import InvalidData

# What makes whoever loads a model run code, see `pipeline.publishing.unsafe_files`.
_REMOTE = ("auto_map", "trust_remote_code")


@dataclass(frozen=True)
class Adapted:
    """What a base was given or relieved of; nothing where it was as it is judged.

    Attributes:
        normalize: A module `Normalize` was added behind its last one.
        similarity: The function that it was saved with, where that is not the cosine.
        default_prompt: The prompt that it put before texts of no name.
        truncate_dim: The width that it was cut to wherever nobody asked for one.
        pad_token: The token that fills up shorter texts, where it had none.
        auto_map: Names of code of its own, which none of its weights need, were taken out.
    """

    normalize: bool = False
    similarity: str | None = None
    default_prompt: str | None = None
    truncate_dim: int | None = None
    pad_token: str | None = None
    auto_map: bool = False


def adapt(model: SentenceTransformer) -> Adapted:
    """Change a base into what is judged, and say what was changed.

    Accuracies, retrieval and the gate are about cosines of whole vectors with named prompts: a model that was
    saved with something else would not do what its card says.

    Raises:
        InvalidData: It has no token that texts could be padded with.
    """
    normalize = not isinstance(list(model.children())[-1], Normalize)
    found = Adapted(
        normalize=normalize,
        similarity=None if model.similarity_fn_name == "cosine" else str(model.similarity_fn_name),
        default_prompt=model.prompts.get(model.default_prompt_name or "") or None,
        truncate_dim=model.truncate_dim,
        pad_token=_pad(model),
        auto_map=_drop_remote_code(model),
    )
    if normalize:
        model.append(Normalize())
    model.similarity_fn_name = "cosine"
    model.default_prompt_name = None
    model.truncate_dim = None
    return found


def positions(model: SentenceTransformer) -> int | None:
    """Return the number of tokens that a model has positions for; None where it does not say.

    Some count from behind the padding token's place (RoBERTa, XLM-R, CamemBERT, MPNet and others): BGE-M3's
    8194 are 8192 tokens. Their table of positions says so by its own padding index.
    """
    transformer: Any = model[0]
    encoder: Any = getattr(transformer, "auto_model", None)
    limit = getattr(getattr(encoder, "config", None), "max_position_embeddings", None)
    if not isinstance(limit, int) or limit < 1:
        return None
    for name, module in encoder.named_modules():
        if isinstance(module, Embedding) and name.rpartition(".")[2] == "position_embeddings":
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    return limit


def _pad(model: SentenceTransformer) -> str | None:
    """Give a tokenizer without a padding token one that it has: attention leaves what is padded out."""
    if not isinstance(model[0], Transformer) or model.tokenizer.pad_token_id is not None:
        return None
    tokenizer: Any = model.tokenizer
    configured = getattr(model[0].auto_model.config, "pad_token_id", None)
    known = set(tokenizer.get_vocab().values())
    token = tokenizer.convert_ids_to_tokens(configured) if configured in known else None
    token = token or tokenizer.eos_token or tokenizer.sep_token or tokenizer.unk_token
    if token is None:
        raise InvalidData(
            "the base's tokenizer has no padding token, and no end or separator that could be one; wanted "
            "pad_token in its tokenizer_config.json. Pin a base that has one"
        )
    tokenizer.pad_token = token
    return str(token)


def _drop_remote_code(model: SentenceTransformer) -> bool:
    """Take the names of code out of the configuration and the tokenizer; nothing was loaded by them."""
    if not isinstance(model[0], Transformer):
        return False
    dropped = False
    for key in _REMOTE:
        if key in vars(model[0].auto_model.config):
            delattr(model[0].auto_model.config, key)
            dropped = True
        dropped |= model.tokenizer.init_kwargs.pop(key, None) is not None
    return dropped
