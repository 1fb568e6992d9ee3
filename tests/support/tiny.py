"""A BERT small enough for property tests, with a word tokenizer, made in code."""

from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import BertProcessing
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

WIDTH = 16
WORDS = [f"w{i}" for i in range(40)]
MAX_TOKENS = 24


def save_encoder(folder: Path, dropout: float = 0.0) -> Path:
    """Write a random two-layer BERT and its tokenizer into a folder."""
    torch.manual_seed(0)
    vocabulary = {token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", ":", *WORDS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=MAX_TOKENS,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=MAX_TOKENS,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        # Larger than usual: texts must lie apart for gradients to be more than rounding.
        initializer_range=0.3,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def load(
    encoder: Path,
    *,
    pooling: Any = "mean",
    include_prompt: bool = True,
    normalize: bool = False,
    dtype: torch.dtype = torch.float32,
) -> SentenceTransformer:
    """A model on a saved encoder; equal arguments give equal weights."""
    modules: list[torch.nn.Module] = [
        Transformer(str(encoder), max_seq_length=MAX_TOKENS),
        Pooling(WIDTH, pooling, include_prompt=include_prompt),
    ]
    if normalize:
        modules.append(Normalize())
    return SentenceTransformer(modules=modules, device="cpu").to(dtype)


def text(words: list[int]) -> str:
    """A text of these words."""
    return " ".join(WORDS[word] for word in words)


def features(model: SentenceTransformer, columns: list[list[str]]) -> list[dict[str, Any]]:
    """What sentence-transformers' collator makes of a batch."""
    return [dict(model.preprocess(column)) for column in columns]


def gradients(model: SentenceTransformer) -> list[torch.Tensor]:
    """Gradients of all parameters, zeros where there is none."""
    return [torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()]
