"""JAX alone: the portable cleaning and the mapped fit, compiled into one."""

import jax

from case_studies.pipeline.array_api_clean import clean
from case_studies.pipeline.jax_fit import fit


@jax.jit
def pipeline(raw, times):
    """Return the maps of a whole series at once."""
    return fit(clean(raw), times)
