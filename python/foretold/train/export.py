"""Weights as safetensors: what the Rust runtime reads.

A file holds the tensors of the network under the names of its ``state_dict``, with their shapes:

==============  ======================  =====================================================
``embed.N``     (V, G * H)              row: the byte read
``recur.N``     (H, G * H)              row: the unit of the step before
``below.N``     (H, G * H)              row: the unit of layer ``N``, read by layer ``N + 1``
``out``         (layers * H, V)         row: the unit, lowest layer first
``gain.N``      (G, H) float32
``bias.N``      (G, H) float32
``out_bias``    (V,) float32
==============  ======================  =====================================================

and of a network that hears match models

===============  =====================  =====================================================
``match_byte``   (V, G * H)             row: the byte expected
``match_class``  (16, G * H)            row: the class of the match
``match_bias``   (16,) float32
===============  =====================  =====================================================

The first four, ``match_byte`` and ``match_class`` are matrices and come as float32; as int8; or as
int4, two in a byte. Quantised ones have a twin ``NAME.scale``, (rows,) float32, and a weight is
``integer * scale[row]``. int8 values are from -127 to 127. int4 values are from -7 to 7, kept as uint8
of shape (rows, ceil(columns / 2)): the lower four bits of byte ``k`` are column ``2 k`` plus 8, the
upper four column ``2 k + 1`` plus 8.

The header's metadata are strings: ``kind`` (``foretold.bytelm``), ``version`` (``1``), ``hidden``,
``layers``, ``vocabulary``, ``gates``, ``weights`` (``float32``, ``int8`` or ``int4``), ``epsilon``,
and ``card``, the model card in JSON.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Literal

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor

import foretold
from foretold._replacing import replacing
from foretold.errors import FormatError, ParameterError

from .lstm import EPSILON, PersistentLSTM, is_matrix

if TYPE_CHECKING:
    from _typeshed import StrPath

    from .data import Corpus

__all__ = ["Weights", "export", "fake_quantise", "load", "model_card", "quantise"]

Weights = Literal["float32", "int8", "int4"]

KIND, VERSION = "foretold.bytelm", "1"

# Shares of a row's largest magnitude that are tried as the largest int4 value; the finest grid
# that fine-tuning can afford at each step. Arbitrary.
_INT4_SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)


def quantise(value: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Integers and one scale per row.

    Parameters
    ----------
    value : (R, C) float
    bits : int
        8: the scale is the row's largest magnitude over 127. 4: large values may be cut off, the
        scale is the one of six that leaves the smallest squared error.

    Returns
    -------
    (R, C) int8, (R,) float32
        Values from -127 to 127 or from -7 to 7. Rows of zeros have scale 1.

    Examples
    --------
    >>> import torch
    >>> quantise(torch.tensor([[-1.0, 0.5], [0.0, 0.0]]), 8)
    (tensor([[-127,   64],
            [   0,    0]], dtype=torch.int8), tensor([0.0079, 1.0000]))
    """
    if bits not in (4, 8):
        raise ParameterError(f"bits must be 4 or 8, found {bits}")
    most = 127 if bits == 8 else 7
    value = value.detach().float()
    largest = value.abs().amax(1, keepdim=True) / most  # (R, 1)
    largest = torch.where(largest > 0, largest, torch.ones_like(largest))
    best_scale, best_error = largest, None
    for share in (1.0,) if bits == 8 else _INT4_SHARES:
        scale = largest * share
        error = ((value / scale).round().clamp(-most, most) * scale - value).square().sum(1, keepdim=True)
        if best_error is None:
            best_error = error
            continue
        better = error < best_error
        best_scale = torch.where(better, scale, best_scale)
        best_error = torch.where(better, error, best_error)
    integers = (value / best_scale).round().clamp(-most, most).to(torch.int8)
    return integers, best_scale[:, 0]


def fake_quantise(value: Tensor, bits: int) -> Tensor:
    """What :func:`quantise` would leave of a matrix; the gradient passes as if nothing had happened."""
    integers, scale = quantise(value, bits)
    rounded = (integers.float() * scale[:, None]).to(value.dtype)
    return value + (rounded - value).detach()


def pack(integers: Tensor) -> Tensor:
    """int8 in [-7, 7], (R, C), to two in a byte, (R, ceil(C / 2)) uint8."""
    shifted = (integers + 8).to(torch.uint8)
    if shifted.shape[1] % 2:
        shifted = torch.nn.functional.pad(shifted, (0, 1), value=8)
    return (shifted[:, ::2] | (shifted[:, 1::2] << 4)).contiguous()


def unpack(packed: Tensor, columns: int) -> Tensor:
    """Undo :func:`pack`."""
    both = torch.stack((packed & 15, packed >> 4), 2).flatten(1)[:, :columns]
    return both.to(torch.int8) - 8


def model_card(
    net: PersistentLSTM,
    corpus: Corpus | None,
    *,
    updates: int | None = None,
    figures: dict[str, Any] | None = None,
    commit: str | None = None,
    command: list[str] | None = None,
) -> dict[str, Any]:
    """What a network is and what it was made of.

    Parameters
    ----------
    net : PersistentLSTM
    corpus : Corpus, optional
        Its files are named, with size, SHA-256 and whether they were held out.
    updates : int, optional
        Length of the training.
    figures : dict, optional
        Measured: bits per coded byte and whatever else is worth keeping.
    commit : str, optional
        The source it was trained with.
    command : list of str, optional
        By default this process's.
    """
    files = [] if corpus is None else corpus.files
    return {
        "foretold": foretold.__version__,
        "commit": commit,
        "command": sys.argv if command is None else command,
        "torch": torch.__version__,
        "parameters": sum(value.numel() for value in net.parameters()),
        "updates": updates,
        "figures": {} if figures is None else figures,
        "data": [
            {"name": file.name, "bytes": file.size_bytes, "sha256": file.sha256, "held": file.held}
            for file in files
        ],
    }


def export(
    net: PersistentLSTM, path: StrPath, weights: Weights = "int8", card: dict[str, Any] | None = None
) -> int:
    """Write a network's weights. An existing file is replaced when the new one is complete.

    Parameters
    ----------
    net : PersistentLSTM
    path : path
    weights : {"float32", "int8", "int4"}
        What matrices become.
    card : dict, optional
        See :func:`model_card`.

    Returns
    -------
    int
        The file's length in bytes.
    """
    if weights not in ("float32", "int8", "int4"):
        raise ParameterError(f"weights must be float32, int8 or int4, found {weights!r}")
    tensors: dict[str, Tensor] = {}
    for name, value in net.state_dict().items():
        value = value.detach().float().cpu().contiguous()
        if weights == "float32" or not is_matrix(name):
            tensors[name] = value
            continue
        integers, scale = quantise(value, 8 if weights == "int8" else 4)
        tensors[name] = integers if weights == "int8" else pack(integers)
        tensors[f"{name}.scale"] = scale.contiguous()
    metadata = {
        "kind": KIND,
        "version": VERSION,
        "hidden": str(net.hidden),
        "layers": str(net.layers),
        "vocabulary": str(net.vocabulary),
        "gates": str(net.gates),
        "weights": weights,
        "epsilon": repr(EPSILON),
        "card": json.dumps({} if card is None else card, ensure_ascii=False, separators=(",", ":")),
    }
    content = save(tensors, metadata)
    with replacing(path) as partial:
        partial.write_bytes(content)
    return len(content)


def read_tensors(
    path: StrPath, kind: str, version: str, called: str
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors and metadata of a safetensors file of ours.

    Raises
    ------
    FormatError
        If the file is something else, or of another kind, ``called`` so in words, or version.
    """
    try:
        with safetensors.safe_open(os.fspath(path), framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise FormatError(f"{path} is no safetensors file: {error}") from None
    if (metadata.get("kind"), metadata.get("version")) != (kind, version):
        raise FormatError(f"{path} is no {called} of version {version}")
    return tensors, metadata


def load(path: StrPath) -> tuple[PersistentLSTM, dict[str, str]]:
    """Read a network that :func:`export` wrote.

    Returns
    -------
    PersistentLSTM, dict
        With float32 weights, ``integer * scale`` where they were quantised; and the metadata.

    Raises
    ------
    FormatError
        If the file is something else.
    """
    tensors, metadata = read_tensors(path, KIND, VERSION, "byte LSTM")
    values = {}
    for name, value in tensors.items():
        if name.endswith(".scale"):
            continue
        scale = tensors.get(f"{name}.scale")
        if scale is not None:
            if metadata.get("weights") == "int4":
                width = int(metadata["gates"]) * int(metadata["hidden"])
                value = unpack(value, int(metadata["vocabulary"]) if name == "out" else width)
            value = value.float() * scale[:, None]
        values[name] = value
    try:
        net = PersistentLSTM.like(values)
    except ParameterError as error:
        raise FormatError(f"{path}: {error}") from None
    return net, metadata
