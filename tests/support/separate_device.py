"""A device that is not the CPU, in numbers on the CPU: for finding what a GPU would refuse or wait for.

torch lets Python register a PrivateUse1 backend. Its tensors are wrappers: they say that they stand on the
device `separate`, and every operation is computed on the CPU tensor inside. Mixing both in one operation
raises, as on a GPU; a generator of its own draws dropout masks; what makes a GPU's caller wait is counted.
Autocast, attention kernels, memory and float64 are no part of it.
"""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

NAME = "separate"
# Operations after which the caller knows a number of the device: it waits for all that was queued.
_WAITS = frozenset(
    f"aten.{name}.default"
    for name in ("_local_scalar_dense", "nonzero", "is_nonzero", "equal", "masked_select", "item")
)
# Indices may stand on the CPU: torch copies them without waiting.
_INDEXES = frozenset(
    f"aten.{name}"
    for name in ("index.Tensor", "index_put_.default", "index_put.default", "_index_put_impl_.default")
)
WAITS: Counter[str] = Counter()
THREADS: set[str] = set()


class Generator(backend_registration._DummyBackendModule):
    """The device's module: its random state, and that it knows bfloat16."""

    state = torch.Generator().manual_seed(1).get_state()

    def get_rng_state(self, device: Any = None) -> torch.Tensor:
        """Return the device's random state."""
        return Generator.state.clone()

    def set_rng_state(self, state: torch.Tensor, device: Any = None) -> None:
        """Set the device's random state."""
        Generator.state = state.clone()

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        """Name what autocast may cast to."""
        return [torch.bfloat16]

    class device:  # noqa: N801 - torch looks for this name
        """The context in which a device is current; there is one."""

        def __init__(self, device: Any) -> None:
            pass

        def __enter__(self) -> None:
            pass

        def __exit__(self, *error: object) -> None:
            pass


backend_registration._setup_privateuseone_for_python_backend(NAME, backend_module=Generator())
DEVICE = torch.device(NAME, 0)


class Separate(torch.Tensor):
    """A tensor on the device; `inside` is the CPU's tensor that it stands for."""

    inside: torch.Tensor

    @staticmethod
    def __new__(cls, inside: torch.Tensor) -> "Separate":
        """Wrap a CPU's tensor."""
        wrapped: Separate = torch.Tensor._make_wrapper_subclass(
            cls,
            inside.size(),
            strides=inside.stride(),
            storage_offset=inside.storage_offset(),
            dtype=inside.dtype,
            device=DEVICE,
        )
        wrapped.inside = inside
        return wrapped

    def tolist(self) -> Any:
        """Wait for the numbers."""
        WAITS["tolist"] += 1
        return self.inside.tolist()

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Compute on what is inside."""
        return compute(func, args, kwargs or {})


class Everywhere(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Takes factories with `device=separate` too, whose arguments are no tensors of it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute on what is inside."""
        return compute(func, args, kwargs or {})


def compute(func: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """Compute one operation, or raise where a GPU would."""
    THREADS.add("main" if threading.current_thread() is threading.main_thread() else "worker")
    name = str(func)
    tensors = [one for one in tree_flatten((args, kwargs))[0] if isinstance(one, torch.Tensor)]
    ours = [one for one in tensors if isinstance(one, Separate)]
    device = kwargs.get("device")
    to_us = device is not None and torch.device(device).type == NAME
    away = device is not None and not to_us
    if name == "aten._to_copy.default":
        WAITS["to cpu"] += bool(ours and away)
    elif ours and name != "aten.copy_.default":
        _refuse_mixed(name, tensors)
    WAITS[name] += name in _WAITS and bool(ours)
    inner_args, inner_kwargs = tree_map(_inside, (args, kwargs))
    random = torch.Tag.nondeterministic_seeded in getattr(func, "tags", ()) and (bool(ours) or to_us)
    if random:
        host = torch.get_rng_state()
        torch.set_rng_state(Generator.state)
    found = func(*inner_args, **inner_kwargs)
    if random:
        Generator.state = torch.get_rng_state()
        torch.set_rng_state(host)
    given_back = {id(one.inside): one for one in ours}  # in-place operations return their argument
    wraps = to_us or (bool(ours) and not away)

    def wrap(one: Any) -> Any:
        if not isinstance(one, torch.Tensor):
            return one
        return given_back.get(id(one)) if id(one) in given_back else Separate(one) if wraps else one

    return tree_map(wrap, found)


def _refuse_mixed(name: str, tensors: list[torch.Tensor]) -> None:
    for one in tensors:
        if not isinstance(one, Separate) and one.dim() > 0 and name not in _INDEXES:
            raise RuntimeError(f"Expected all tensors to be on the same device: {name} got {NAME} and cpu")


def _inside(one: Any) -> Any:
    if isinstance(one, Separate):
        return one.inside
    if isinstance(one, torch.device) and one.type == NAME:
        return torch.device("cpu")
    return one


def put(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor on the device."""
    if isinstance(tensor, Separate):
        return tensor
    if isinstance(tensor, torch.nn.Parameter):
        return torch.nn.Parameter(Separate(tensor.detach()), tensor.requires_grad)
    return Separate(tensor)


def move(model: torch.nn.Module) -> None:
    """Move a model's parameters and buffers to the device, in place."""
    for module in model.modules():
        tables: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
        for table in tables:
            for key, tensor in table.items():
                if tensor is not None:
                    table[key] = put(tensor)
