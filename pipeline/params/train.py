"""The section `train`: every hyperparameter that the weights depend on."""

from typing import Literal

from pydantic import Field

from pipeline.params.section import Section, Share

# `no_duplicates`: no text stands twice among a batch's rows. `batch`: rows as they come.
BatchSampler = Literal["no_duplicates", "batch"]


class LossParams(Section):
    """MatryoshkaLoss over CachedMultipleNegativesRankingLoss."""

    scale: float = Field(gt=0)
    matryoshka_weights: tuple[float, ...]
    n_dims_per_step: int = Field(ge=-1)


class LibraryVersions(Section):
    """The libraries that training runs on: other ones can give other weights."""

    torch: str
    sentence_transformers: str


class TrainParams(Section):
    """The step `train`. `recipe_version` stands for the code, see docs/params.md."""

    recipe_version: int = Field(ge=1)
    versions: LibraryVersions
    engine: Literal["katman", "stock"]
    loss: LossParams
    epochs: float = Field(gt=0)
    max_steps: int = Field(ge=-1)
    max_triplets: int | None = Field(ge=1)
    batch_size: int = Field(ge=2)
    mini_batch_size: int = Field(ge=1)
    batch_sampler: BatchSampler
    learning_rate: float = Field(gt=0)
    lr_scheduler: Literal["cosine", "linear", "constant", "constant_with_warmup"]
    warmup_ratio: Share
    weight_decay: float = Field(ge=0)
    adam_beta1: float = Field(ge=0, lt=1)
    adam_beta2: float = Field(ge=0, lt=1)
    adam_epsilon: float = Field(gt=0)
    max_grad_norm: float = Field(ge=0)
    bf16: bool
    eval_steps: int = Field(ge=0)
    eval_batch_size: int = Field(ge=1)
    seed: int = Field(ge=0, lt=2**32)  # as numpy takes it
