"""A base does once, on one text, all that training, evaluation and release will ask of it."""

import itertools
import json
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from transformers import CONFIG_MAPPING

from pipeline.embedding import encode, loading
from pipeline.embedding.as_judged import adapt
from pipeline.embedding.loading_report import LoadingReport, reported, shown, stray_prefix
from pipeline.errors import InvalidData, InvalidParams, ReleaseRefused, first_line
from pipeline.params.model import ModelParams
from pipeline.publishing.unsafe_files import refuse_unsafe
from pipeline.records import BaseTrial

# Saved and loaded again, the same weights give the same vector; other ones do not.
_TOLERANCE = 1e-4
_WORDS = 200


def try_base(folder: Path, params: ModelParams, saved: Path) -> BaseTrial:
    """Load a base, encode the longest text with each prompt, save it as it will be saved, and load that.

    Args:
        folder: The base.
        params: The recipe's widths, maximum length and prompts.
        saved: Where the model is saved.

    Raises:
        InvalidData: It lacks weights, makes no finite vectors, cannot be saved or not be released.
        InvalidParams: The recipe asks for more tokens or a larger width than it has, or a prompt fills it up.
    """
    foreign = _known_by_auto_map(folder)
    with reported() as report:
        model = loading.load(folder)
    _refuse_random_weights(report, foreign)
    _refuse_other_senses(model)
    own = {role: model.prompts[role] or "" for role in ("query", "document")}
    adapted = adapt(model)
    loading.set_recipe(model, params)
    _refuse_unknown_tokens(model)
    text = _long_text(model)
    vectors = {prompt: _encode(model, text, prompt) for prompt in _prompts(model, params, own)}
    _save(model, saved)
    again = loading.load(saved)
    for prompt, vector in vectors.items():
        if not torch.allclose(vector, _encode(again, text, prompt), atol=_TOLERANCE):
            raise InvalidData(
                "saved and loaded again, the base makes another vector of the same text; wanted the same. "
                "Pin another base"
            )
    return BaseTrial(
        tokens=params.max_seq_length,
        prompts=own,
        normalize_added=adapted.normalize,
        similarity=adapted.similarity,
        default_prompt=adapted.default_prompt,
        truncate_dim=adapted.truncate_dim,
        pad_token=adapted.pad_token,
        auto_map_dropped=adapted.auto_map,
        missing_weights=tuple(sorted(report.missing)),
        unused_weights=len(report.unused),
    )


def _known_by_auto_map(folder: Path) -> bool:
    """Return whether the configuration names code; refuse an architecture that only this code knows."""
    path = next((path for path in _first_configs(folder) if path.is_file()), None)
    content: Any = json.loads(path.read_bytes()) if path else {}
    if not isinstance(content, dict) or not content.get("auto_map"):
        return False
    kind = str(content.get("model_type"))
    if kind not in CONFIG_MAPPING:
        raise InvalidData(
            f"its architecture ({kind}) is known only to code that comes with it (auto_map in config.json); "
            "wanted one that transformers knows by itself, because no model's own code is run here. "
            "Pin another base"
        )
    return True


def _first_configs(folder: Path) -> list[Path]:
    """List where the configuration of the Transformer can stand."""
    return [folder / "config.json", *sorted(folder.glob("0*/config.json"))]


def _refuse_random_weights(report: LoadingReport, foreign: bool) -> None:
    needed, left_out = report.needed(), report.left_out()
    if needed:
        prefix = stray_prefix(needed, sorted(report.unused))
        cause = (
            f"the file holds them under names that begin with {prefix!r}; save it again without that"
            if prefix
            else "look whether the upload is complete, or pin another commit"
        )
        raise InvalidData(
            f"its files lack {len(needed)} weights that its configuration asks for ({shown(needed)}), which "
            f"would be drawn at random; wanted all of them: {cause}"
        )
    if foreign and left_out:
        raise InvalidData(
            f"{len(left_out)} of its weights ({shown(left_out)}) have no place in the architecture that "
            "transformers knows by its name: its own code (auto_map), which is not run here, means another "
            "one. Pin another base"
        )


def _refuse_other_senses(model: SentenceTransformer) -> None:
    senses = [str(one) for one in model.modalities if one not in {"text", "message"}]
    if senses or "text" not in model.modalities:
        raise InvalidData(
            f"it is a model of {', '.join(senses) or 'no texts'}; wanted one of texts alone. Pin such a model"
        )


def _refuse_unknown_tokens(model: SentenceTransformer) -> None:
    """Refuse a tokenizer with tokens beyond the table of embeddings: a text of them cannot be encoded."""
    transformer: Any = model[0]
    table = transformer.auto_model.get_input_embeddings()
    beyond = [name for name, place in model.tokenizer.get_vocab().items() if place >= len(table.weight)]
    if beyond:
        raise InvalidData(
            f"its table of embeddings has {len(table.weight)} rows and its tokenizer {len(beyond)} tokens "
            f"beyond them ({shown(sorted(beyond))}); wanted a row for each. Enlarge the table "
            "(`resize_token_embeddings`), save the model, and pin that"
        )


def _prompts(model: SentenceTransformer, params: ModelParams, own: dict[str, str]) -> list[str]:
    """Return the prompts that texts will have; refuse one of the recipe that leaves no room for a text."""
    asked = params.prompts.model_dump()
    for role, prompt in asked.items():
        tokens = len(model.tokenizer(prompt)["input_ids"]) if prompt else 0
        if prompt and tokens >= params.max_seq_length:
            raise InvalidParams(
                f"model.prompts.{role} has {tokens} tokens, special ones among them, and "
                f"model.max_seq_length is {params.max_seq_length}; wanted some left for the text. "
                "Shorten the prompt, or raise model.max_seq_length"
            )
    return list(dict.fromkeys([*asked.values(), *own.values()]))


def _long_text(model: SentenceTransformer) -> str:
    """Return a text of at least as many tokens as the model reads, made of words of its own vocabulary."""
    tokenizer, wanted = model.tokenizer, int(model.max_seq_length or 1)
    numbers = sorted(set(tokenizer.get_vocab().values()) - set(tokenizer.all_special_ids))
    decoded = (tokenizer.decode([one]).strip() for one in numbers[:: max(1, len(numbers) // _WORDS)])
    words = [word for word in decoded if word] or ["a"]
    text = ""
    for count in (wanted, 4 * wanted, 16 * wanted):
        text = " ".join(itertools.islice(itertools.cycle(words), count))
        if len(tokenizer(text, truncation=False, verbose=False)["input_ids"]) >= wanted:
            break
    return text


def _encode(model: SentenceTransformer, text: str, prompt: str) -> torch.Tensor:
    """Encode one text, as evaluation does it."""
    try:
        vector = encode.encode(model, [text], prompt=prompt or None)[0].cpu()
    except KeyError as error:
        raise InvalidData(
            f"it makes no vector of a text ({error}): no module of it pools the tokens. Pin another base"
        ) from None
    except (IndexError, RuntimeError, ValueError) as error:
        most = _longest(model, text, prompt)
        raise InvalidData(
            f"it cannot encode a text of {model.max_seq_length} tokens ({first_line(error)[:200]}), and "
            f"one of {most or 'no length'} it can. Set model.max_seq_length to that, or pin another base"
        ) from None
    length = float(vector.norm())
    if not bool(torch.isfinite(vector).all()) or not length > 0:
        raise InvalidData(
            f"the vector that it makes of a text has the length {length}; wanted finite numbers that are not "
            "all 0. Its weights are damaged: pin another commit"
        )
    return vector


def _longest(model: SentenceTransformer, text: str, prompt: str) -> int:
    """Return the most tokens of this text that a model encodes; 0 where it encodes none."""
    works, fails = 0, int(model.max_seq_length or 1)
    while fails - works > 1:
        model.max_seq_length = (works + fails) // 2
        try:
            encode.encode(model, [text], prompt=prompt or None)
            works = model.max_seq_length
        except (IndexError, RuntimeError, ValueError, KeyError):
            fails = model.max_seq_length
    return works


def _save(model: SentenceTransformer, saved: Path) -> None:
    """Save a model as `train` does, and hold its files to what `release` demands."""
    model.save_pretrained(str(saved), create_model_card=False, safe_serialization=True)
    files = {path.relative_to(saved).as_posix(): path for path in saved.rglob("*") if path.is_file()}
    try:
        refuse_unsafe(files)
    except ReleaseRefused as error:
        raise InvalidData(f"what would be trained from it could not be released: {error}") from None
