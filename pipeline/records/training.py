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
    """What a training cost on one machine; runs that give the same weights may differ in it.

    Attributes:
        seconds: Wall time of the training loop with tokenizing, batches and evaluations.
        triplets_per_second: Rows trained on over `seconds` without those of evaluations.
        tokens_per_second: Tokens of those rows, padding left out, over the same time.
        padding_share: Part of all encoded positions that was padding.
        second_forward_share: Part of all encoded positions that had to be encoded a second time.
        model_flops_utilisation: 6 FLOPs per parameter outside embedding tables and encoded token, padding and
            second passes left out, over the peak rate of the device; None where that rate is not known.
        hardware_flops_utilisation: The same with padding and second forward passes counted as work.
        peak_memory_bytes: Peak resident set on a CPU, peak allocated memory on a GPU.
        energy_joules: Of the whole machine's processors and cards; None where they do not say what they draw.
        device: Type and name of the device.
        threads: Threads of one CPU operation.
        processes: That trained together, one on each GPU; 1 in records of before this was kept.
    """

    seconds: float
    triplets_per_second: float
    tokens_per_second: float
    padding_share: float
    second_forward_share: float
    model_flops_utilisation: float | None
    hardware_flops_utilisation: float | None
    peak_memory_bytes: int
    energy_joules: float | None
    device: str
    threads: int
    processes: int = 1


class Training(Record):
    """How the model came to be.

    Attributes:
        hyperparameters: The trainer's arguments.
        non_default: The names of those that differ from the library's defaults.
        triplets: Rows that were given.
        rows_left_out: Of these, rows that no batch without equal texts had room for, in the epoch with most.
        bf16: Whether products were computed in bfloat16.
        compiled: Whether the encoder's layers were compiled.
        numerics: How float32 was multiplied; None in records of before this was kept.
        versions: Of the libraries, and of Python.
        platform: Operating system, its kernel, processor family and C library; None in records of before this
            was kept. The device stands in `speed`.
    """

    recipe_version: int
    engine: str
    loss: JSON
    hyperparameters: JSON
    non_default: tuple[str, ...]
    triplets: int
    rows_left_out: int = 0
    steps: int
    seed: int
    bf16: bool
    compiled: bool = False
    numerics: str | None = None
    curve: tuple[CurvePoint, ...]
    speed: Speed
    architecture: str
    model_type: str
    parameters: int
    width: int
    max_seq_length: int
    prompts: dict[str, str]
    versions: dict[str, str]
    platform: str | None = None

    @property
    def trained_on(self) -> int:
        """The rows that the model was trained on."""
        return self.triplets - self.rows_left_out
