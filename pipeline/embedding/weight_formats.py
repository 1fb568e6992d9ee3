"""Which files hold weights, which can run code, and which a tokenizer writes: by suffix, in small letters."""

from pathlib import PurePath

# Formats that can run code when a library loads them: pickles, archives and arrays that may hold pickled
# objects (`.npy`, `.npz`), Keras models with their lambdas, and what Flax unpacks.
CAN_RUN_CODE = frozenset(
    {
        *{".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib"},
        *{".npy", ".npz", ".h5", ".keras", ".msgpack"},
    }
)
# Formats that hold weights and are not safetensors, the only ones that are loaded and judged here. All that
# can run code hold weights somewhere; these two hold them and run nothing.
OTHER_WEIGHTS = CAN_RUN_CODE | {".onnx", ".gguf"}
SAFETENSORS = ".safetensors"
# The ends of all names that a tokenizer of transformers gives its files beside JSON.
VOCABULARIES = frozenset({".txt", ".model", ".spm", ".codes", ".tokenizer", ".bpe", ".tiktoken", ".vocab"})


def suffix(path: str | PurePath) -> str:
    """Return the suffix of a file in small letters, as the sets above hold it."""
    return PurePath(path).suffix.lower()
