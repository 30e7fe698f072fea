"""Linear maps between flattened values, by which relations between values are carried back to their sources."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Elements:
    """y[j] = slope[j] * x[index[j]], and 0 where index[j] is below 0; without an index, element by element.

    Args:
        slope: (outputs,).
        index: (outputs,), or None.
        size: Elements of x.
    """

    slope: Array
    index: Array | None
    size: int

    @property
    def terms(self) -> int:
        """How many products a sum of `back` has at most."""
        return len(self.slope)

    def forth(self, x: Array) -> Array:
        """(size,) -> (outputs,)."""
        if self.index is None:
            return self.slope * x
        return np.where(self.index >= 0, self.slope * x[np.maximum(self.index, 0)], 0.0)

    def back(self, a: Array) -> Array:
        """Coefficients of y, (..., outputs), as such of x, (..., size)."""
        scaled = a * self.slope
        if self.index is None:
            return scaled
        there = np.flatnonzero(self.index >= 0)
        places = self.index[there]
        result = np.zeros((*a.shape[:-1], self.size))
        if len(np.unique(places)) == len(places):
            result[..., places] = scaled[..., there]
        else:
            np.add.at(result, (..., places), scaled[..., there])
        return result

    def magnitude(self) -> Elements:
        """The map with the magnitudes of its coefficients."""
        return Elements(np.abs(self.slope), self.index, self.size)

    def parts(self) -> tuple[Elements, Elements]:
        """The maps with the coefficients above 0 and below."""
        return tuple(Elements(part(self.slope, 0), self.index, self.size) for part in (np.maximum, np.minimum))

    def matrix(self) -> Array:
        """(size, outputs)."""
        return self.back(np.eye(len(self.slope))).T


@dataclass(frozen=True, eq=False)
class Product:
    """y = x, as `places` rows, times weights (rows, columns)."""

    weights: Array
    places: int = 1

    @property
    def terms(self) -> int:
        """How many products a sum of `back` or `forth` has at most."""
        return max(self.weights.shape)

    def forth(self, x: Array) -> Array:
        """(places * rows,) -> (places * columns,)."""
        return (x.reshape(self.places, -1) @ self.weights).reshape(-1)

    def back(self, a: Array) -> Array:
        """Coefficients of y, (..., places * columns), as such of x, (..., places * rows)."""
        rows, columns = self.weights.shape
        return (a.reshape(*a.shape[:-1], self.places, columns) @ self.weights.T).reshape(
            *a.shape[:-1], self.places * rows
        )

    def magnitude(self) -> Product:
        """The map with the magnitudes of its coefficients."""
        return Product(np.abs(self.weights), self.places)

    def parts(self) -> tuple[Product, Product]:
        """The maps with the coefficients above 0 and below."""
        return tuple(Product(part(self.weights, 0), self.places) for part in (np.maximum, np.minimum))

    def matrix(self) -> Array:
        """(places * rows, places * columns)."""
        return np.kron(np.eye(self.places), self.weights)


Map = Elements | Product
