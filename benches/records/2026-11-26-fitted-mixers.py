"""How the two mixer networks for blocks that start from nothing came to be 32 KiB together.

    python benches/records/2026-11-26-fitted-mixers.py NETWORK.safetensors BITS OUTPUT.safetensors

NETWORK is what ``2026-11-26-mixer-networks.py`` or ``2026-11-26-structured-mixer.py`` left. Matrices are
rounded to so many bits, 0 for as they are; of floats the upper two bytes are kept, rounded; the card goes.
What ships is an archive of OUTPUT, OUTPUT.ftd, of preset 3, which needs no network.
"""

import sys
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

import foretold


def upper_half(values: np.ndarray) -> np.ndarray:
    bits = values.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)


def rounded(values: np.ndarray, scale: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Integers of fewer bits, and their rows' scales."""
    floats = values.astype(np.float32) * scale[:, None]
    most = np.abs(floats).max(1)
    scale = upper_half(np.where(most > 0, most / (2 ** (bits - 1) - 1), 1).astype(np.float32))
    return np.rint(floats / scale[:, None]).astype(np.int8), scale


def main() -> None:
    path, bits, output = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    with safe_open(path, "np") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = {name: value for name, value in file.metadata().items() if name != "card"}
    for name, values in tensors.items():
        if values.dtype == np.float32:
            tensors[name] = upper_half(values)
    for name, values in tensors.items():
        if values.dtype == np.int8 and bits:
            tensors[name], tensors[f"{name}.scale"] = rounded(values, tensors[f"{name}.scale"], bits)
    content = save(tensors, metadata)
    output.write_bytes(content)
    archive = foretold.compress(content, 3, knowledge="none")
    Path(f"{output}.ftd").write_bytes(archive)
    print(output, len(content), "bytes, in an archive", len(archive))


if __name__ == "__main__":
    main()
