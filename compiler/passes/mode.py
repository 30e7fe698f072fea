"""Decides whether a model runs sample by sample or frame by frame."""

from __future__ import annotations

from typing import Literal

from compiler.errors import CompileError
from compiler.ir.graph import Graph, Scan
from compiler.ir.values import Value
from compiler.options import Mode
from compiler.passes.stream import is_timeless, stream


def choose_mode(graph: Graph, mode: Mode, *, frames_allowed: bool) -> tuple[Literal["stream", "frame"], str | None]:
    """How a graph runs, and why it does not stream where that was tried.

    Args:
        graph: What lowering made, dead operations removed.
        mode: "auto" streams where the model can, and falls back to frames where its sizes are known. Vectors without
            time stream as independent samples where that is asked for, or all that the target does.
        frames_allowed: Whether the target computes frames at all.

    Raises:
        CompileError: Naming the layer that does not stream, or the input whose length is unknown.
    """
    if mode == "auto" and frames_allowed and is_timeless(graph):
        return "frame", f"its input '{graph.inputs[0].layer}' has no time axis"
    if mode != "frame":
        try:
            stream(graph)
            return "stream", None
        except CompileError as reason:
            if mode == "stream" or not frames_allowed or _unknown(graph):
                raise
            why = f"layer '{reason.layer}' {reason.what}"
            _demand_no_memory(graph, f", and {why}")
            return "frame", why
    _demand_no_memory(graph)
    if not frames_allowed:
        raise CompileError(
            "--mode frame: the FPGA computes streams only",
            hint="Leave --mode at auto, or compute frames with --target mcu.",
        )
    if value := _unknown(graph):
        raise CompileError(
            "frames need an input of a known length",
            layer=value.layer,
            hint="Build the model with Input((length, channels)).",
        )
    return "frame", None


def _demand_no_memory(graph: Graph, why: str = "") -> None:
    """Refuses frames where a layer's states would pass from one to the next."""
    if op := next((op for op in graph.ops if isinstance(op, Scan) and op.stateful), None):
        raise CompileError(
            f"stateful=True: its states pass from one window to the next, which needs a stream{why}",
            layer=op.output.layer,
            hint="Save it with stateful=False if each window begins anew, or give it initial_state and return_state.",
        )


def is_sized(graph: Graph) -> bool:
    """Whether every axis of every value has a known length."""
    return _unknown(graph) is None


def _unknown(graph: Graph) -> Value | None:
    """The first value with an axis of unknown length."""
    values = (*graph.inputs, *(op.output for op in graph.ops))
    return next((value for value in values if None in value.shape), None)
