"""Writes down every operator that runs, and what is alive meanwhile.

Below autograd and above the kernels, PyTorch's dispatcher hands each operator to a mode: functional
calls, methods and modules all pass there. On the meta device they have shapes and no numbers.
"""

from __future__ import annotations

import weakref
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary, WeakIdRef

from hubel.analysis.recording.checks import check_operator
from hubel.analysis.recording.graph import Call, Operator, Value
from hubel.analysis.recording.kernels import run

# Numbers of autograd nodes have no public name.
autograd: Any = torch._C._autograd  # pyright: ignore

__all__ = ["Ledger", "Recorder", "Stopped", "watch_modules"]


class Stopped(BaseException):
    """More operators ran than were asked for; no network's own `except Exception` holds it up."""


class Ledger:
    """How many bytes of tensors are alive, and the most that ever were.

    Attributes:
        live: bytes now.
        peak: most bytes so far.
    """

    def __init__(self) -> None:
        self.live = 0
        self.peak = 0
        self._numbers: WeakIdKeyDictionary = WeakIdKeyDictionary(ref_type=WeakIdRef)
        self._next = 0

    def number(self, tensor: Tensor) -> int:
        """The number of a tensor's storage; one that is seen first is alive from now on."""
        storage = tensor.untyped_storage()
        found = self._numbers.get(storage)
        if found is None:
            found = self._numbers[storage] = self._next
            self._next += 1
            nbytes = storage.nbytes()
            self.live += nbytes
            self.peak = max(self.peak, self.live)
            weakref.finalize(storage, self._free, nbytes).atexit = False
        return found

    def _free(self, nbytes: int) -> None:
        self.live -= nbytes


class Recorder(TorchDispatchMode):
    """Keeps the operators that run while it is entered.

    Args:
        most: operators; one more and the pass is stopped.

    Attributes:
        operators: so far, in order.
        calls: of modules, in the order of beginning.
        stack: indices of the calls that have not ended; it stays where an error stopped.
        abandoned: indices of the calls among those that an error ended.
        received: what each of those was given.
        running: the operator that has begun and not ended, with its arguments.
        ledger: what is alive.
    """

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        self.most = most
        self.operators: list[Operator] = []
        self.calls: list[Call] = []
        self.stack: list[int] = []
        self.abandoned: set[int] = set()
        self.received: list[tuple[Value, ...]] = []
        self.running: tuple[Any, tuple[Any, ...]] | None = None
        self.ledger = Ledger()
        self._values: WeakIdKeyDictionary = WeakIdKeyDictionary(ref_type=WeakIdRef)
        self._count = 0
        self._lost: set[int] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Asked by PyTorch. Nothing is compiled here, and to be skipped loads the compiler first.
        return False

    def begin(self, path: str, kind: str, inputs: Any) -> int:
        """Note that a module begins to run; the index of its call."""
        self.settle()
        parent = self.stack[-1] if self.stack else -1
        call = Call(len(self.calls), path, kind, parent, len(self.operators))
        self.calls.append(call)
        self.stack.append(call.index)
        self.received.append(self.values(inputs))
        return call.index

    def end(self, index: int, output: Any) -> None:
        """Note that a call gave its output."""
        self.settle()
        call = self.calls[index]
        while self.stack.pop() != index:  # those within it that nobody said had ended
            self.received.pop()
        self.received.pop()
        call.last = len(self.operators)
        call.outputs = self.values(output)

    def settle(self) -> None:
        """Drop the calls that an error ended, with their operators: somebody caught it.

        Not before something else runs, so that an error that nobody catches can be explained.
        """
        while self.stack and self.stack[-1] in self.abandoned:
            call = self.calls[self.stack.pop()]
            self.received.pop()
            self._lost |= {x.id for op in self.operators[call.first :] for x in op.outputs}
            del self.operators[call.first :], self.calls[call.index :]
            self.abandoned.discard(call.index)
            self.running = None

    def value(self, tensor: Tensor) -> Value:
        """The value that a tensor holds now."""
        found = self._values.get(tensor)
        return self._new(tensor) if found is None else found

    def values(self, nested: Any) -> tuple[Value, ...]:
        """The values of all tensors in a nest."""
        return tuple(self.value(x) for x in pytree.tree_leaves(nested) if isinstance(x, Tensor))

    def _new(self, tensor: Tensor) -> Value:
        shape, number = tuple(tensor.shape), self.ledger.number(tensor)
        value = Value(self._count, shape, tensor.dtype, number)
        self._count += 1
        self._values[tensor] = value
        return value

    def _check_kept(self, *arguments: Any) -> None:
        if self._lost and any(
            isinstance(x, Value) and x.id in self._lost for x in pytree.tree_leaves(arguments)
        ):
            raise RuntimeError("it reads what a module computed before it failed and was caught")

    def _noted(self, nested: Any) -> Any:
        if isinstance(nested, Tensor):
            return self.value(nested)
        if isinstance(nested, (list, tuple)):
            return tuple(self._noted(item) for item in nested)
        return nested

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func.namespace == "profiler":  # a marker in somebody's profile: it computes nothing
            return func(*args, **kwargs)
        self.settle()
        if self.most is not None and len(self.operators) >= self.most:
            raise Stopped
        args, kwargs = _on_meta(args, kwargs)
        arguments = self._noted(args)
        keywords = {name: self._noted(item) for name, item in kwargs.items()}
        sequence = autograd._get_sequence_nr() - 1 if torch.is_grad_enabled() else -1
        self.running = (func, arguments)
        self._check_kept(arguments, keywords)
        check_operator(func, args, kwargs)
        result = run(func, args, kwargs)
        self.running = None
        # An operator that writes in place gives back its argument, which holds a new value then.
        outputs = tuple(self._new(x) for x in _opened(result) if isinstance(x, Tensor))
        call = self.stack[-1] if self.stack else -1
        self.operators.append(
            Operator(len(self.operators), func, call, arguments, keywords, outputs, sequence)
        )
        return result


def _opened(result: Any) -> Iterator[Any]:
    if isinstance(result, (list, tuple)):
        for item in result:
            yield from _opened(item)
    else:
        yield result


def _on_meta(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Constants that a forward makes on the CPU follow the rest, as they would on a GPU."""
    tensors = [x for x in pytree.tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    devices = {x.device.type for x in tensors if x.dim() > 0}
    if devices != {"cpu", "meta"}:
        return args, kwargs
    return pytree.tree_map_only(Tensor, lambda x: x.to("meta") if x.dim() else x, (args, kwargs))


@contextmanager
def watch_modules(module: nn.Module, recorder: Recorder) -> Generator[None]:
    """Let a recorder know which module runs; the hooks are gone afterwards."""
    handles: list[Any] = []
    for path, part in module.named_modules():
        watch = _Watch(path, recorder)
        handles.append(part.register_forward_pre_hook(watch.begin))
        handles.append(part.register_forward_hook(watch.end))
        handles.append(part.register_forward_hook(watch.leave, always_call=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _Watch:
    """The hooks of one module, which may call itself."""

    def __init__(self, path: str, recorder: Recorder) -> None:
        self.path = path
        self.recorder = recorder
        self.open: list[int] = []
        self.has_ended = False

    def begin(self, part: nn.Module, inputs: Any) -> None:
        self.open.append(self.recorder.begin(self.path, type(part).__name__, inputs))

    def end(self, _part: nn.Module, _inputs: Any, output: Any) -> None:
        self.recorder.end(self.open.pop(), output)
        self.has_ended = True

    def leave(self, _part: nn.Module, _inputs: Any, _output: Any) -> None:
        """Runs after `end`, and in its place where the module raised an error."""
        if not self.has_ended:
            self.recorder.abandoned.add(self.open.pop())
        self.has_ended = False
