"""h5py, of which the type checker knows nothing: the one place that says so."""

from typing import Any

import h5py as _h5py

h5py: Any = _h5py
