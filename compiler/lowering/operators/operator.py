"""What a lowering sees of one operator: a layer without weights, whose arguments may be numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.ir.values import Value
from compiler.keras_file.jsons import shown
from compiler.lowering.layer import Layer

Operand = Value | np.ndarray


class Operator(Layer):
    """One call of an operator being lowered. What its configuration and its call say by name is read alike."""

    def tensor(self, argument: Any) -> Value:
        """An argument that has to be a value."""
        if not isinstance(argument, Value):
            raise self.error(f"{shown(argument)} is not a layer's output")
        return argument

    def tensors(self, arguments: Any) -> list[Value]:
        """An argument that has to be a list of values of one rank."""
        if not isinstance(arguments, tuple) or not arguments:
            raise self.error(f"{shown(arguments)} is no list of layers' outputs")
        values = [self.tensor(argument) for argument in arguments]
        if len({len(value.shape) for value in values}) != 1:
            raise self.error("its values are of different rank")
        return values

    def operand(self, argument: Any) -> Operand:
        """A value, or numbers as an array in float64."""
        if isinstance(argument, Value):
            return argument
        try:
            array = np.asarray(argument, np.float64)
        except (TypeError, ValueError, OverflowError):
            array = np.full((), np.nan)
        if not array.size or not np.all(np.abs(array) <= np.finfo(np.float32).max):
            raise self.error(f"{shown(argument)} is neither a layer's output nor numbers")
        return array

    def fitted(self, array: np.ndarray, rank: int) -> np.ndarray:
        """Numbers that meet a value of that rank, without the axis of the batch."""
        while array.ndim > rank and array.shape[0] == 1:
            array = array[0]
        if array.ndim > rank:
            raise self.error(f"numbers of shape {array.shape} do not fit a value of rank {rank}")
        return array

    def together(self, *arguments: Any) -> list[Value]:
        """Operands as values that broadcast. With a batch in front, ranks have to be equal."""
        operands = [self.operand(argument) for argument in arguments]
        ranks = {len(operand.shape) for operand in operands if isinstance(operand, Value)}
        if len(ranks) != 1:
            raise self.error("its values are of different rank, so that the batch of one would meet an axis of another")
        rank = ranks.pop()
        values = []
        for operand in operands:
            value = operand if isinstance(operand, Value) else self.constant(self.fitted(operand, rank))
            values.append(value)
        return values

    def integers(self, key: str) -> tuple[int, ...]:
        """A whole number or a list of such."""
        value = self.take(key)
        numbers = tuple(value) if isinstance(value, list | tuple) else (value,)
        if not numbers or not all(type(n) is int for n in numbers):
            raise self.error(f"{key}={shown(value)} is not a whole number or several")
        return numbers
