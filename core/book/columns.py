"""Checks what callers hand to the batch functions, so that errors name the column at fault."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def column(
    name: str, values: object, dtype: npt.DTypeLike, length: int | None = None
) -> npt.NDArray[Any]:
    """Return `values` as a contiguous array, copied only when it is not contiguous.

    Where int8 is wanted, uint8 is taken as well: sides and actions fit both.

    Raises:
        ValueError: if it is not a one-dimensional array of exactly `dtype`, or has not `length`
            elements.
    """
    wanted = np.dtype(dtype)
    if not isinstance(values, np.ndarray):
        raise ValueError(
            f"{name} is a {type(values).__name__}; give a numpy array of dtype {wanted}."
        )
    if values.dtype == np.uint8 and wanted == np.int8:
        values = values.view(np.int8)
    if values.dtype != wanted:
        raise ValueError(f"{name} has dtype {values.dtype}; convert it to {wanted}.")
    if values.ndim != 1:
        raise ValueError(f"{name} has {values.ndim} dimensions; give one.")
    if length is not None and values.size != length:
        raise ValueError(f"{name} has {values.size} elements and the first column {length}.")
    return np.ascontiguousarray(values)
