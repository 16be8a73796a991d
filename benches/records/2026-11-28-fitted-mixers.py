"""How the two mixer networks for blocks that start from nothing were trained on, 2026-11-28.

    python benches/records/2026-11-28-fitted-mixers.py collect text TRAIN_FOLDER TRACES
    python benches/records/2026-11-28-fitted-mixers.py collect structured TRAIN_FOLDER TRACES TEXTS
    python benches/records/2026-11-28-fitted-mixers.py train TRACES UNITS UPDATES RATE START OUTPUT
    python benches/records/2026-11-28-fitted-mixers.py mean START NETWORK.safetensors OUTPUT.safetensors
    python benches/records/2026-11-28-fitted-mixers.py pack NETWORK.safetensors OUTPUT.safetensors

The texts are novels, encyclopedia, wiki markup and XML of TRAIN_FOLDER; source code, manuals and
documentation of one Debian system with Python and Rust; for structured text those in TEXTS that
``2026-11-26-structured-mixer.py gather`` leaves. No file of it is one that anything is measured with.
START is the network that goes on: it may have fewer units than it gets, and its small tables become
products of four columns. The last fifth of the updates is made with weights rounded as they will be. What
ships as text-mixer-9 has 48 units, 10,000 updates at 0.004 from what 2,000 without the code made of the
network before; structured-mixer-9 is the mean of the one before and of 16 units, 8,000 updates at 0.004.
What ships is an archive of OUTPUT, OUTPUT.ftd, of preset 3, which needs no network.
"""

import glob
import gzip
import hashlib
import json
import os
import runpy
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save
from torch import nn
from torch.nn.utils import parametrize

import foretold
from foretold.train.export import pack as in_halves
from foretold.train.mixer import (
    TABLES,
    LstmMixer,
    TraceLanes,
    _costs,
    export_mixer,
    held_gain,
    load_mixer,
    only_heard,
)
from foretold.train.traces import Traces, trace

PARTS = ("logits", "contexts", "p1_q22", "bits")
LANES, STEPS = 128, 128
BITS, TABLE_BITS, COLUMN_BITS, RANK = 5, 4, 6, 4

WIKI, BOOKS, NOVELS = "wiki/enwiki_text/", "books/classics_md/", "books/novels_txt/"
XML, OTHER_XML = "wiki/mediawiki_xml/freecad_20141228.xml", "wiki/mediawiki_xml/freecad_pages-ns-10.xml"
WHONIX = "wiki/wikitext/whonix_A-S.wikitext"
HOUND = NOVELS + "Doyle_Hound_1902.txt"
# Files, the bytes of them, laid end to end, that are one block; the coded byte from which on and the share
# of the pieces that is learned from.
TEXT = [
    ([BOOKS + "Upton_Sinclair__King_Coal.md"], 0, 300_000, 0, 0.6),
    ([XML], 0, 3_000_000, 250_000, 0.2),
    ([WHONIX], 0, 4_000_000, 300_000, 0.12),
    ([WIKI + "AD_wiki_22.txt"], 0, 300_000, 0, 0.6),
    (["books/pg_raw/pg2600_War_and_Peace_part.txt"], 0, None, 0, 0.2),
    ([XML], 1_000_000, 1_250_000, 0, 1.0),
    (["books 10 to 18"], 0, None, 300_000, 0.08),
    ([NOVELS + "Lytton_What_1858.txt"], 0, 300_000, 0, 0.5),
    ([WIKI + f"AD_wiki_{i}.txt" for i in ("00", "01", "04", "06", "07")], 0, 4_500_000, 300_000, 0.1),
    ([BOOKS + "Abb_Pr_vost__Manon_Lescaut.md"], 0, 150_000, 0, 0.8),
    ([WHONIX], 0, 250_000, 0, 0.7),
    ([NOVELS + "Gaskell_Lovers_1863.txt"], 0, 250_000, 0, 0.5),
    ([WIKI + "AD_wiki_30.txt"], 0, None, 0, 0.2),
    ([XML], 0, 250_000, 0, 1.0),
    (["books 45 to 53"], 0, None, 300_000, 0.05),
    ([WIKI + "AD_wiki_57.txt"], 0, 250_000, 0, 0.5),
    ([OTHER_XML], 0, None, 0, 0.35),
    ([WIKI + "AD_wiki_45.txt"], 0, 300_000, 0, 0.5),
    ([NOVELS + "Trollope_Angel_1881.txt"], 0, 250_000, 0, 0.5),
    ([WHONIX], 2_000_000, 2_250_000, 0, 0.7),
    ([WIKI + "AD_wiki_77.txt"], 0, 300_000, 0, 0.5),
    ([XML], 2_000_000, 2_250_000, 0, 0.8),
]
HELD_TEXT = [
    ([HOUND], 0, 150_000, 0, 1.0),
    ([WIKI + "AD_wiki_39.txt"], 0, 150_000, 0, 1.0),
    ([XML], 3_000_000, 3_080_000, 0, 1.0),
    (["wiki/wikitext/wtf_wikipedia_cache.wikitext"], 0, 100_000, 0, 1.0),
    (["books 20 to 22", HOUND], 0, None, 800_000, 0.15),
    ([XML], 0, None, 3_000_000, 0.4),
    ([WHONIX], 0, None, 4_000_000, 0.4),
]
# Patterns of paths, bytes, which of the files, the most of each, and the share that is learned from.
CRATES, MANUALS = "/root/.cargo/registry/src/*/", "/usr/share/man/"
SCRIPTS = ("/usr/share", "/root/.pyenv/versions/3.11.7/lib", ".venv/lib")
CODE = {
    "python": (["/usr/lib/python3.11/[h-z]*.py"], 1_500_000, 1, 200_000, 0.12),
    "manuals": ([MANUALS + "man8/*.gz"], 1_000_000, 1, 200_000, 0.15),
    "headers": (["/usr/include/[k-z]*.h", "/usr/include/linux/*.h"], 1_000_000, 1, 200_000, 0.12),
    "c": (
        ["/usr/share/doc/**/*.c", CRATES + "*/**/*.c", "/usr/include/X11/**/*.c"],
        *(600_000, 2, 200_000, 0.25),
    ),
    "rust": ([CRATES + "*/src/*.rs"], 1_200_000, 7, 200_000, 0.12),
    "perl": (
        ["/usr/share/perl/5.36.0/*.pm", "/usr/share/perl/5.36.0/**/*.pod"],
        *(600_000, 1, 200_000, 0.2),
    ),
    "html": (["/usr/share/doc/**/*.html"], 500_000, 3, 200_000, 0.2),
    "scripts": ([f"{root}/**/*.js" for root in SCRIPTS], 600_000, 1, 60_000, 0.2),
    "markdown": ([CRATES + "*/*.md"], 400_000, 2, 200_000, 0.3),
    "changelogs": (["/usr/share/doc/*/changelog*.gz"], 500_000, 5, 40_000, 0.2),
    "german": ([MANUALS + "de/man1/*.gz"], 200_000, 1, 200_000, 0.4),
    "russian": ([MANUALS + "ru/man1/*.gz"], 200_000, 1, 200_000, 0.4),
    "japanese": ([MANUALS + "ja/man1/*.gz"], 200_000, 1, 200_000, 0.4),
    "french": ([MANUALS + "fr/man1/*.gz"], 150_000, 1, 200_000, 0.4),
    "chinese": ([MANUALS + "zh_CN/man1/*.gz"], 150_000, 1, 200_000, 0.4),
}
HELD_CODE = {
    "python": (["/usr/lib/python3.11/[a-g]*.py"], 120_000, 1, 200_000),
    "manuals": ([MANUALS + "man1/*.gz"], 120_000, 1, 200_000),
    "headers": (["/usr/include/[a-j]*.h"], 120_000, 1, 200_000),
}
# XML with prose between tags, which only a block that begins as structured text keeps as such.
DOCUMENTS = [
    "/usr/lib/python3/dist-packages/wadllib/tests/data/launchpad-wadl.xml",
    "/usr/share/dbus-1/interfaces/*.xml",
    "/usr/share/metainfo/*.xml",
    "/usr/lib/google-cloud-sdk/**/jetty-home-*-cyclonedx.xml",
]


def recorded(name: str) -> dict[str, Any]:
    """What a script of 2026-11-26 defines."""
    return runpy.run_path(str(Path(__file__).parent / f"2026-11-26-{name}.py"))


def read(path: str | Path) -> bytes:
    content = Path(path).read_bytes()
    return gzip.decompress(content) if str(path).endswith(".gz") else content


def laid(patterns: list[str], most: int, every: int, most_each: int) -> bytes:
    """Files end to end."""
    found = {path for pattern in patterns for path in glob.glob(pattern, recursive=True)}
    paths = sorted(path for path in found if os.path.isfile(path) and not os.path.islink(path))[::every]
    content = bytearray()
    for path in paths:
        content += read(path)[:most_each]
        if len(content) >= most:
            break
    return bytes(content[:most])


Pieces = list[tuple[str, bytes, int, float]]


def texts(root: Path) -> tuple[Pieces, Pieces]:
    """What is learned from and what is held: names, contents, first bytes and shares."""

    files = recorded("mixer-networks")["files"]

    def of(pieces: Iterable[tuple]) -> Pieces:
        return [
            (" + ".join(names), b"".join(map(read, files(root, names)))[start:end], begin, share)
            for names, start, end, begin, share in pieces
        ]

    code = [(name, laid(*how), 0, share) for name, (*how, share) in CODE.items()]
    held = [(name, laid(*how), 0, 1.0) for name, how in HELD_CODE.items()]
    return of(TEXT) + code, of(HELD_TEXT) + held


def structured_texts(root: Path, folder: Path) -> tuple[Pieces, Pieces]:
    before = recorded("structured-mixer")
    learned, held = [], []
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        if path.name in before["HELD"]:
            held.append((path.name, content[:100_000], 0, 1.0))
            continue
        long = path.name.startswith("long-")
        start, share = before["LONG"] if long else (0, before["SHARES"].get(path.name, 1.0))
        learned.append((path.name, content, start, 0.8 * share))
    xml, other, iso = ((root / XML).read_bytes(), (root / OTHER_XML).read_bytes(), read(folder / "iso.xml"))
    documents = b"".join(
        read(path) for pattern in DOCUMENTS for path in sorted(glob.glob(pattern, recursive=True))
    )
    learned += [
        ("wiki", xml[1_000_000:1_250_000], 0, 0.5),
        ("wiki's beginning", xml[:250_000], 0, 0.7),
        ("wiki behind codes", iso + xml[:3_000_000], 600_000, 0.14),
        ("wikis behind codes", iso[:100_000] + xml[2_000_000:3_000_000] + other, 150_000, 0.15),
        ("another wiki", other[:400_000], 0, 0.5),
        ("documents", documents[:1_000_000], 0, 0.5),
    ]
    held += [
        ("wiki's end", xml[3_000_000:3_080_000], 0, 1.0),
        ("wiki's end behind codes", iso + xml[2_000_000:], 1_250_000, 0.4),
    ]
    return learned, held


def collect(pieces: tuple[Pieces, Pieces], output: Path) -> None:
    """Bits in doubt of what is learned from, all of what is held."""
    output.mkdir(exist_ok=True)
    rows = ["held,name,sha256,bytes,begin,share,bits"]
    for kind, many in zip(("learned", "held"), pieces, strict=True):
        for number, (name, content, begin, share) in enumerate(many):
            try:
                parts = list(
                    trace(content, 9, knowledge="none", start=begin, share=share, piece_bytes=1 << 13)
                )
            except foretold.ParameterError as error:
                print(name, error)  # no text
                continue
            if kind == "learned":
                parts = [only_heard(part) for part in parts]
            for part in PARTS:
                values = np.concatenate([getattr(one, part) for one in parts])
                np.save(output / f"{kind}{number:02d}.{part}.npy", values)
            columns = (parts[0].columns, parts[0].context_names)
            (output / "columns.json").write_text(json.dumps(columns))
            digest = hashlib.sha256(content).hexdigest()
            bits = sum(len(part.bits) for part in parts)
            rows.append(f"{kind == 'held'},{name},{digest},{len(content)},{begin},{share},{bits}")
            print(rows[-1], flush=True)
    (output / "data.csv").write_text("\n".join(rows) + "\n")


def load(folder: Path, kind: str) -> list[Traces]:
    columns, contexts = json.loads((folder / "columns.json").read_text())
    bases = sorted(str(path).removesuffix(".logits.npy") for path in folder.glob(f"{kind}*.logits.npy"))
    return [
        Traces(
            *(np.load(f"{base}.{part}.npy", mmap_mode="r") for part in PARTS),
            tuple(columns),
            tuple(contexts),
            0,
        )
        for base in bases
    ]


def started(path: Path, hidden: int, columns: Sequence[str], contexts: Sequence[str]) -> LstmMixer:
    """A network as it is, or with more units, which say nothing yet; its small tables as products."""
    old, _ = load_mixer(path)
    wide = all(old.ranks)
    if wide and old.hidden == hidden:
        return old
    net = LstmMixer(hidden, columns, contexts, blends=old.blends, rank=[8, 8, *[RANK] * 4])
    many = old.hidden

    def gates(new: torch.Tensor, values: torch.Tensor) -> None:
        for gate in range(3):
            new[..., gate * hidden : gate * hidden + many] = values[..., gate * many : (gate + 1) * many]

    with torch.no_grad():
        strengths = old.inputs.view(-1, 3, many).square().mean((0, 2)).sqrt()
        for gate, strength in enumerate(strengths):
            rest = net.inputs.view(-1, 3, hidden)[:, gate, many:]
            rest *= strength / max(1e-9, float(rest.square().mean().sqrt())) if rest.numel() else 1
        net.recur *= 0.3
        gates(net.inputs, old.inputs)
        gates(net.recur[:many], old.recur)
        for at in range(len(TABLES)):
            if old.ranks[at]:
                net.embed[at].copy_(old.embed[at])
                gates(net.columns[str(at)], old.columns[str(at)])
            else:
                rows, sizes, columns_ = torch.linalg.svd(old.embed[at], full_matrices=False)
                roots = sizes[:RANK].sqrt()
                net.embed[at].copy_(rows[:, :RANK] * roots)
                gates(net.columns[str(at)], roots[:, None] * columns_[:RANK])
        net.gain[:, :many], net.bias[:, :many] = old.gain, old.bias
        net.bias[0, many:] = torch.linspace(0, 5, hidden - many)
        net.head[:many] = old.head
        for name in ("head_bias", "out_bias", "blend", "blend_bias"):
            getattr(net, name).copy_(getattr(old, name))
    return net


class Rounded(nn.Module):
    """Weights as so many bits for each, which pass gradients on as if they were not."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.most = 2 ** (bits - 1) - 1

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        plain = values.detach()
        scale = plain.abs().amax(1, keepdim=True).clamp(min=1e-12) / self.most
        return values + (torch.round(plain / scale) * scale - plain)


def rounded_parts(net: LstmMixer) -> Iterable[tuple[nn.Module, str, int]]:
    yield from ((net, name, BITS) for name in ("inputs", "recur", "head", "blend"))
    yield from ((net.embed, str(at), TABLE_BITS) for at in range(len(TABLES)))


def train(folder: Path, hidden: int, updates: int, rate: float, start: Path, output: Path) -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    lanes, held = TraceLanes(load(folder, "learned"), LANES), load(folder, "held")
    net = started(start, hidden, lanes.columns, lanes.context_names)

    def optimiser(decay: float) -> torch.optim.Optimizer:
        return torch.optim.AdamW(net.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=decay)

    steps, at, began, sums = optimiser(1e-3), 0, time.time(), [0.0, 0.0]
    with output.with_suffix(".jsonl").open("w") as log:
        for update in range(updates):
            if update == updates * 4 // 5:
                for module, name, bits in rounded_parts(net):
                    parametrize.register_parametrization(module, name, Rounded(bits))
                steps = optimiser(0.0)
            if at + STEPS > lanes.length:
                at = 0
                net.reset_states()
            batch = lanes.batch(at, STEPS)
            at += STEPS
            before, after = (bits.mean() for bits in _costs(batch, net(batch)))
            after.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            for group in steps.param_groups:
                falling = min(1.0, (1 - update / updates) / 0.6 + 0.01)
                group["lr"] = rate * min(1.0, (update + 1) / 50) * falling
            steps.step()
            steps.zero_grad(set_to_none=True)
            sums = [sums[0] + float(before.detach()), sums[1] + float(after.detach())]
            if (update + 1) % 100 == 0:
                told = {"update": update + 1, "seconds": round(time.time() - began, 1)}
                told |= {"bits_before": round(sums[0] / 100, 5), "bits": round(sums[1] / 100, 5)}
                print(json.dumps(told), file=log, flush=True)
                sums = [0.0, 0.0]
    for module, name, _ in rounded_parts(net):
        parametrize.remove_parametrizations(module, name)
    export_mixer(net, output, "float32")
    for one in held:
        before, with_it = held_gain(net, [one], lanes=8)
        print(f"{len(one.bits)} bits: {100 * (with_it / before - 1):+.2f} %", flush=True)


def mean(start: Path, path: Path, output: Path) -> None:
    """Half of what a network began as and half of what it became; its small tables are whole again."""
    (old, _), (new, _) = load_mixer(start), load_mixer(path)
    both = LstmMixer(new.hidden, new.column_names, new.context_names, blends=new.blends)
    before, after = old.state_dict(), new.state_dict()
    halves = {}
    for name in both.state_dict():
        value = after[name]
        if value.shape != before[name].shape:
            value = value @ after[name.replace("embed", "columns")]
        halves[name] = 0.5 * before[name] + 0.5 * value
    both.load_state_dict(halves)
    export_mixer(both, output, "float32")


def pack(path: Path, output: Path) -> None:
    """Matrices become integers, of floats the upper two bytes are kept, rounded."""
    net, metadata = load_mixer(path)
    tensors = {name: value.detach().float().numpy() for name, value in net.state_dict().items()}
    upper_half = recorded("fitted-mixers")["upper_half"]
    packed: dict[str, np.ndarray] = {}
    for name, values in tensors.items():
        kind = name.split(".")[0]
        if kind not in ("inputs", "recur", "embed", "columns", "head", "blend"):
            packed[name] = upper_half(values)
            continue
        most = 2 ** ({"embed": TABLE_BITS, "columns": COLUMN_BITS}.get(kind, BITS) - 1) - 1
        scale = upper_half(np.maximum(np.abs(values).max(1), 1e-12).astype(np.float32) / most)
        integers = np.clip(np.rint(values / scale[:, None]), -most - 1, most).astype(np.int8)
        packed[name] = in_halves(torch.from_numpy(integers)).numpy() if kind == "embed" else integers
        packed[f"{name}.scale"] = scale
    del metadata["card"]
    content = save(packed, metadata | {"weights": "int8"})
    output.write_bytes(content)
    archive = foretold.compress(content, 3, knowledge="none")
    Path(f"{output}.ftd").write_bytes(archive)
    print(output, len(content), "bytes, in an archive", len(archive))


def main(arguments: list[str]) -> None:
    def paths(*at: int) -> list[Path]:
        return [Path(arguments[i]) for i in at]

    match arguments[0], arguments[1]:
        case "collect", "text":
            root, output = paths(2, 3)
            collect(texts(root), output)
        case "collect", _:
            root, output, folder = paths(2, 3, 4)
            collect(structured_texts(root, folder), output)
        case "train", _:
            folder, start, output = paths(1, 5, 6)
            train(folder, int(arguments[2]), int(arguments[3]), float(arguments[4]), start, output)
        case "mean", _:
            mean(*paths(1, 2, 3))
        case _:
            pack(*paths(1, 2))


if __name__ == "__main__":
    main(sys.argv[1:])
