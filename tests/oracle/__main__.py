"""`python -m oracle ARCHIVE > CONTENT`, from the folder `tests`."""

import sys
from pathlib import Path

from . import decompress

sys.stdout.buffer.write(decompress(Path(sys.argv[1]).read_bytes()))
