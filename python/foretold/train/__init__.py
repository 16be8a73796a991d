"""Training of byte LSTMs in torch, on CPU or CUDA, and export of their weights.

Needs the extra ``[train]``: torch, safetensors and accelerate. Nothing else of foretold does; what
compresses and decompresses runs the exported weights in Rust.

The networks read what foretold's models read: text after the word transform, see :mod:`.data`.
``foretold train`` is this on the command line, docs/TRAINING.md the description.
"""

from __future__ import annotations

try:
    import safetensors
    import torch
except ImportError as error:
    raise ImportError(
        f"foretold.train needs torch and safetensors ({error}): pip install 'foretold[train]'"
    ) from None
del safetensors, torch
