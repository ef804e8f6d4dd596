"""Arrays as numpy has them, whoever made them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def is_tensor(values: Any) -> bool:
    """Say whether something is a tensor of torch."""
    return isinstance(values, torch.Tensor)


def as_array(values: Any) -> NDArray[Any]:
    """Return an array in this machine's byte order, also of a tensor that has gradients.

    Example
    -------
    >>> as_array(torch.ones(2, dtype=torch.bfloat16, requires_grad=True))
    array([1., 1.], dtype=float32)
    >>> as_array(np.ones(2, dtype=">f8")).dtype.isnative
    True
    """
    if is_tensor(values):
        values = values.detach().cpu()
        values = values.float() if values.dtype == torch.bfloat16 else values
    array = np.asarray(values)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
