"""The type of an array, apart from the model so that importing the model does not import numpy."""

from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[Any]]
