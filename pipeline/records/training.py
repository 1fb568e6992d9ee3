"""`records/training.json`: how the model was trained."""

from pipeline.records.record import JSON, Part, Record


class CurvePoint(Part):
    """One row of the training log; step 0 is the base model. Accuracy is the dev split's, per width."""

    epoch: float
    step: int
    training_loss: float | None
    validation_loss: float | None
    learning_rate: float | None
    accuracy: dict[int, float] | None


class Speed(Part):
    """What the training cost on this machine; it may differ between runs that give the same weights.

    `energy_joules` is that of the whole machine's processors and cards, where they say what they draw.
    """

    seconds: float
    triplets_per_second: float
    tokens_per_second: float
    padding_share: float | None
    second_forward_share: float | None
    model_flops_utilisation: float | None
    hardware_flops_utilisation: float | None
    peak_memory_bytes: int
    energy_joules: float | None
    device: str
    threads: int


class Training(Record):
    """How the model came to be.

    Attributes:
        hyperparameters: The trainer's arguments.
        non_default: The names of those that differ from the library's defaults.
    """

    recipe_version: int
    engine: str
    loss: JSON
    hyperparameters: JSON
    non_default: tuple[str, ...]
    triplets: int
    steps: int
    seed: int
    bf16: bool
    curve: tuple[CurvePoint, ...]
    speed: Speed
    architecture: str
    model_type: str
    parameters: int
    width: int
    max_seq_length: int
    prompts: dict[str, str]
    versions: dict[str, str]
