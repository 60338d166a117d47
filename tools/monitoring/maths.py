"""The part of CloudWatch's metric maths that the alarms are written in, computed.

A series has a value a period, the oldest first, and None where there is none. What has no value makes none, and a
division by 0 neither. FILL leaves a series without any value as it is: AWS does not promise more.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.refusal import Refusal

Series = list[float | None]

_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}


def compute(expression: str, inputs: Mapping[str, Series]) -> Series:
    """The series that an expression makes of these. Raises `Refusal` for what this does not know."""
    length = max(map(len, inputs.values()))
    found = _Computing(inputs, length).of(ast.parse(expression, mode="eval").body)
    return _series(found, length)


class _Computing:
    """One expression over series of one length."""

    def __init__(self, inputs: Mapping[str, Series], length: int) -> None:
        self._inputs = inputs
        self._length = length

    def of(self, node: ast.expr) -> Any:
        """A number, a series, or for METRICS() a list of them."""
        match node:
            case ast.Constant(value=int() | float() as number):
                return number
            case ast.Name(id=name) if name in self._inputs:
                return self._inputs[name]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return self._each(_OPERATORS[type(op)], left, right)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
                return self._each(_OPERATORS[type(op)], left, right)
            case ast.Call(func=ast.Name(id=function), args=arguments):
                return self._called(function, arguments)
        raise Refusal(f"The metric maths here does not know {ast.unparse(node)!r}.")

    def _each(self, operate: Callable[[float, float], float], *nodes: ast.expr) -> Series:
        left, right = (_series(self.of(node), self._length) for node in nodes)
        return [_computed(operate, a, b) for a, b in zip(left, right, strict=True)]

    def _called(self, function: str, arguments: Sequence[ast.expr]) -> Any:
        match function, [self.of(each) for each in arguments]:
            case "METRICS", []:
                return [*self._inputs.values()]
            case "SUM", [[list(), *_] as many]:
                return [_sum(values) for values in zip(*many, strict=True)]
            case "FILL", [[list(), *_] as many, number]:
                return [_filled(series, number) for series in many]
            case "FILL", [list() as series, number]:
                return _filled(series, number)
            case "IF", [asked, yes, no]:
                columns = (_series(each, self._length) for each in (asked, yes, no))
                return [None if a is None else y if a else n for a, y, n in zip(*columns, strict=True)]
        raise Refusal(f"The metric maths here does not know {function} of these.")


def _series(found: Any, length: int) -> Series:
    return found if isinstance(found, list) else [found] * length


def _computed(operate: Callable[[float, float], float], left: float | None, right: float | None) -> float | None:
    if left is None or right is None or (operate is operator.truediv and right == 0):
        return None
    return float(operate(left, right))


def _sum(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) if there else None


def _filled(series: Series, number: float) -> Series:
    if all(value is None for value in series):
        return series
    return [number if value is None else value for value in series]
