"""A second opinion: decoder and encoder of every preset in plain Python, and numpy for the network.

Written after docs/FORMAT.md, one module for each part, named as the part's file in Rust. It is slow, keeps
everything in ordinary lists, and uses nothing of the library it checks. Each module names the heading of
FORMAT.md that it follows.
"""

from . import raw
from .container import FormatError, compress, decompress
from .priors import Prior, PriorError

__all__ = ["FormatError", "Prior", "PriorError", "compress", "decompress", "raw"]
