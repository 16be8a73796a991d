"""How the two mixer networks for blocks that start from nothing were trained on, 2026-11-28.

    python benches/records/2026-11-28-fitted-mixers.py collect text TRAIN_FOLDER TRACES
    python benches/records/2026-11-28-fitted-mixers.py collect more TRAIN_FOLDER TRACES
    python benches/records/2026-11-28-fitted-mixers.py collect structured TRAIN_FOLDER TRACES TEXTS
    python benches/records/2026-11-28-fitted-mixers.py train TRACES HOW UNITS BLENDS UPDATES RATE START OUTPUT
    python benches/records/2026-11-28-fitted-mixers.py mean START NETWORK.safetensors OUTPUT.safetensors
    python benches/records/2026-11-28-fitted-mixers.py pack HOW NETWORK.safetensors OUTPUT.safetensors

The texts are novels, encyclopedia, wiki markup and XML of TRAIN_FOLDER, and pages of a dump made of its
articles; source code, manuals and documentation of one Debian system with Python and Rust; for structured
text those in TEXTS that ``2026-11-26-structured-mixer.py gather`` leaves. No file of it is one that anything
is measured with. START is the network that goes on: it may have fewer units and blends than it gets, and its
small tables become products of four columns. HOW is how its weights are rounded while it learns, "text",
"structured" or "before", from which share of the updates on: see ``ROUNDED``.

What ships, of the networks before this day (each line one after the other; a network of the morning, of 48
units, shipped for some hours):

    text        48 units, 16 blends, 10,000 updates at 0.004, rounded "before", of what 2,000 without the code
                made; then, with more texts, 64 units, 24 blends, 9,000 at 0.004, the last quarter rounded to
                4 bits; then 4,000 at 0.0016, rounded as "text"
    structured  16 units, 8,000 updates at 0.004, rounded "before"; the mean of that and of what it began as;
                then 2,500 at 0.0006, rounded as "structured"

What ships is an archive of OUTPUT, OUTPUT.ftd, of preset 3, which needs no network.
"""

import glob
import gzip
import hashlib
import json
import os
import random
import re
import runpy
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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

TENSORS = ("logits", "contexts", "p1_q22", "bits")
LANES, STEPS, RANK = 128, 128, 4
# Parts of the step with which a row's largest weight is the greatest integer: the best is taken.
STEPS_TRIED = (0.35, 0.42, 0.5, 0.58, 0.66, 0.75, 0.85, 1.0)
STEPS_OF_TABLES = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class Rounding:
    """How weights are rounded."""

    # Bits of inputs, recur, blend; of head; of tables; of columns, which "before" are rounded when packed.
    matrix: int
    head: int
    table: int
    column: int
    # The share of the updates from which on they are.
    begin: float
    # Whether a step is the best of some, or has the largest weight for its greatest; whether the tables of
    # 256 rows have one step each, or one for each row.
    best: bool = True
    common: bool = False
    # Of the draws, and of the order of the traces, which is that of their names where it is 1.
    seed: int = 1

    def bits(self, kind: str) -> int:
        return {"head": self.head, "embed": self.table, "columns": self.column}.get(kind, self.matrix)

    def steps(self, values: torch.Tensor, bits: int) -> torch.Tensor:
        """A step for each row."""
        most = 2 ** (bits - 1) - 1
        whole = self.common and len(values) == 256
        rows = values.reshape(1, -1) if whole else values
        top = rows.abs().amax(1, keepdim=True).clamp(min=1e-12) / most
        tried = STEPS_OF_TABLES if whole else STEPS_TRIED if self.best else (1.0,)
        steps = torch.stack([part * top for part in tried])
        errors = (torch.round(rows / steps).clamp(-most, most) * steps - rows).square().sum(2, keepdim=True)
        best = steps.gather(0, errors.argmin(0, keepdim=True))[0]
        return best.expand(len(values), 1)


ROUNDED = {
    "before": Rounding(5, 5, 4, 6, 0.8, best=False),
    "first": Rounding(4, 5, 4, 5, 0.75, seed=7),
    "text": Rounding(4, 5, 4, 4, 0.0, common=True, seed=11),
    "structured": Rounding(5, 5, 4, 4, 0.0, common=True, seed=6),
}

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


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def page(
    draw: random.Random, title: str, number: object, years: tuple[int, int], by: Callable[[], str], text: str
) -> str:
    """As a dump of MediaWiki has it."""
    revision = draw.randrange(10**6, 9 * 10**7)
    first, last = years
    year = draw.randrange(first, last + 1) if first < last else first
    day = f"{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}"
    hour, minute, second = draw.randrange(24), draw.randrange(60), draw.randrange(60)
    return (
        f"  <page>\n    <title>{escaped(title)}</title>\n    <id>{number}</id>\n    <revision>\n"
        f"      <id>{revision}</id>\n"
        f"      <timestamp>{year}-{day}T{hour:02}:{minute:02}:{second:02}Z</timestamp>\n"
        f'      <contributor>\n{by()}      <text xml:space="preserve">{escaped(text)}</text>\n'
        "    </revision>\n  </page>\n"
    )


def marked_pages(text: str, draw: random.Random) -> list[str]:
    """Articles with markup."""
    names = ["Wik", "Bot", "Ed", "Sam", "Conversion script", "Rambot", "Mav", "Jac", "Anne", "Kpj"]
    users = [f"{draw.choice(names)}{draw.randrange(40)}" for _ in range(300)]
    comments = [
        "robot  Adding: [[de:{}]]",
        "/* References */",
        "typo",
        "rv",
        "fmt",
        "sp",
        "/* History */ link",
    ]
    found = re.split(r"^==== FILE: (.*?) ====\n", text, flags=re.MULTILINE)[1:]
    pages, number = [], draw.randrange(100)
    for name, article in zip(found[::2], found[1::2], strict=True):
        title = name.rsplit("/", 1)[-1].removesuffix(".txt").replace("-", " ")
        number += draw.randrange(1, 9)
        if draw.random() < 0.75:
            who = f"        <username>{draw.choice(users)}</username>\n"
            who += f"        <id>{draw.randrange(200000)}</id>\n"
        else:
            who = f"        <ip>{'.'.join(str(draw.randrange(256)) for _ in range(4))}</ip>\n"

        def by(who: str = who, title: str = title) -> str:
            comment = f"      <comment>{draw.choice(comments).format(title)}</comment>\n"
            more = draw.choice(["", "      <minor />\n", comment])
            return f"{who}      </contributor>\n{more}"

        pages.append(page(draw, title, number, (2002, 2006), by, article.strip()))
    return pages


def plain_pages(text: str, draw: random.Random) -> list[str]:
    """Plain articles, of which half of the names within a sentence are links."""

    def linked(name: re.Match[str]) -> str:
        is_link = draw.random() < 0.5
        return f"[[{name[1].rstrip()}]]" + " " * name[1].endswith(" ") if is_link else name[0]

    def by() -> str:
        user = f"        <username>Ed{draw.randrange(50)}</username>\n"
        return f"{user}        <id>{draw.randrange(9999)}</id>\n      </contributor>\n"

    draw.randrange(1000)  # is not used
    pages = []
    for found in re.finditer(r'<doc id="(\d+)"[^>]*title="([^"]*)">\n(.*?)</doc>', text, re.DOTALL):
        number, title, article = found[1], found[2], found[3].strip()
        article = article.removeprefix(title).strip().replace(title, f"'''{title}'''", 1)
        article = re.sub(r"(?<=[a-z,] )((?:[A-Z][a-z]+ ?){1,3})(?=[ ,.])", linked, article)
        pages.append(page(draw, title, number, (2006, 2006), by, article))
    return pages


def more_texts(root: Path) -> tuple[Pieces, Pieces]:
    """A dump made of articles, markup, and later parts of encyclopedia and books."""
    draw = random.Random(5)
    wiki = sorted((root / WIKI).iterdir())
    markup = read(root / "wiki/wikitext/wtf_wikipedia_cache.wikitext").decode(errors="replace")
    pages = marked_pages(markup, draw)
    plain = [
        page
        for number in (25, 66)
        for page in plain_pages((root / f"{WIKI}AD_wiki_{number}.txt").read_text(errors="replace"), draw)
    ]
    draw.shuffle(plain)
    # The first quarter is held, as is the beginning of the markup.
    held = pages[: len(pages) // 4]
    dump = pages[len(pages) // 4 :] + plain
    draw.shuffle(dump)
    books = sorted((root / BOOKS).iterdir())
    learned = [
        ("dump", "".join(dump).encode()[:2_500_000], 0, 0.3),
        ("markup", markup.encode()[500_000:], 0, 0.3),
        ("encyclopedia", b"".join(map(read, wiki[6:11])), 700_000, 0.07),
        ("books 30 to 36", b"".join(map(read, books[30:37])), 700_000, 0.05),
    ]
    return learned, [("dump's beginning", "".join(held).encode()[:450_000], 150_000, 0.4)]


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


def collect(pieces: tuple[Pieces, Pieces], output: Path, named: str = "") -> None:
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
            for part in TENSORS:
                values = np.concatenate([getattr(one, part) for one in parts])
                np.save(output / f"{kind}{named}{number:02d}.{part}.npy", values)
            columns = (parts[0].columns, parts[0].context_names)
            (output / "columns.json").write_text(json.dumps(columns))
            digest = hashlib.sha256(content).hexdigest()
            bits = sum(len(part.bits) for part in parts)
            rows.append(f"{kind == 'held'},{name},{digest},{len(content)},{begin},{share},{bits}")
            print(rows[-1], flush=True)
    (output / f"data{named}.csv").write_text("\n".join(rows) + "\n")


def load(folder: Path, kind: str) -> list[Traces]:
    columns, contexts = json.loads((folder / "columns.json").read_text())
    bases = sorted(str(path).removesuffix(".logits.npy") for path in folder.glob(f"{kind}*.logits.npy"))
    return [
        Traces(
            *(np.load(f"{base}.{part}.npy", mmap_mode="r") for part in TENSORS),
            tuple(columns),
            tuple(contexts),
            0,
        )
        for base in bases
    ]


def started(
    path: Path, hidden: int, blends: int, columns: Sequence[str], contexts: Sequence[str]
) -> LstmMixer:
    """A network as it is, or with more units and blends; its small tables as products."""
    old, _ = load_mixer(path)
    wide = all(old.ranks)
    if wide and (old.hidden, old.blends) == (hidden, blends):
        return old
    net = LstmMixer(hidden, columns, contexts, blends=blends, rank=[8, 8, *[RANK] * 4])
    many, mixed, heard = old.hidden, old.blends, len(old.inputs)

    def gates(new: torch.Tensor, values: torch.Tensor) -> None:
        for gate in range(3):
            new[..., gate * hidden : gate * hidden + many] = values[..., gate * many : (gate + 1) * many]

    with torch.no_grad():
        strengths = old.inputs.view(-1, 3, many).square().mean((0, 2)).sqrt()
        for gate, strength in enumerate(strengths):
            rest = net.inputs.view(-1, 3, hidden)[:, gate, many:]
            rest *= strength / max(1e-9, float(rest.square().mean().sqrt())) if rest.numel() else 1
        net.recur *= 0.3
        gates(net.inputs[:heard], old.inputs)
        net.inputs[heard:] *= 0.5 * old.inputs[-mixed:].square().mean().sqrt() / net.inputs[heard:].std()
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
        said = old.head.shape[1]
        net.head[:many, :said], net.head_bias[:said] = old.head, old.head_bias
        net.head[:, said:] = 0.3 * old.head[:, said - mixed :].std() * torch.randn_like(net.head[:, said:])
        net.blend[mixed:] *= 10 * old.blend.square().mean(0).sqrt()
        net.blend[:mixed], net.blend_bias[:mixed] = old.blend, old.blend_bias
        net.out_bias.copy_(old.out_bias)
    return net


class Rounded(nn.Module):
    """Weights as they will be rounded, which pass gradients on as if they were not."""

    def __init__(self, how: Rounding, bits: int) -> None:
        super().__init__()
        self.how, self.bits = how, bits

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        plain, most = values.detach(), 2 ** (self.bits - 1) - 1
        steps = self.how.steps(plain, self.bits)
        return values + (torch.round(plain / steps).clamp(-most, most) * steps - plain)


def rounded_parts(net: LstmMixer, how: Rounding) -> Iterable[tuple[nn.Module, str, int]]:
    yield from ((net, name, how.bits(name)) for name in ("inputs", "recur", "head", "blend"))
    yield from ((net.embed, str(at), how.table) for at in range(len(TABLES)))
    if how.best:
        yield from ((net.columns, at, how.column) for at in net.columns)


def train(
    folder: Path, how: Rounding, sizes: tuple[int, int], updates: int, rate: float, start: Path, output: Path
) -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(how.seed)
    learned, held = load(folder, "learned"), load(folder, "held")
    if how.seed != 1:
        random.Random(how.seed).shuffle(learned)
    lanes = TraceLanes(learned, LANES)
    net = started(start, *sizes, lanes.columns, lanes.context_names)

    def optimiser(decay: float) -> torch.optim.Optimizer:
        return torch.optim.AdamW(net.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=decay)

    steps, at, began, sums = optimiser(1e-3), 0, time.time(), [0.0, 0.0]
    with output.with_suffix(".jsonl").open("w") as log:
        for update in range(updates):
            if update == int(updates * how.begin):
                for module, name, bits in rounded_parts(net, how):
                    parametrize.register_parametrization(module, name, Rounded(how, bits))
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
    for module, name, _ in rounded_parts(net, how):
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


def coarse(values: np.ndarray, bits: int = 4) -> np.ndarray:
    """Floats with so many bits after the first."""
    parts, exponents = np.frexp(values.astype(np.float32))
    return np.ldexp(np.round(parts * 2 ** (bits + 1)) / 2 ** (bits + 1), exponents).astype(np.float32)


def on_grid(values: np.ndarray, most: int = 31) -> np.ndarray:
    """Multiples, of `most` or fewer, of a power of two."""
    step = 2.0 ** np.ceil(np.log2(np.abs(values).max() / most))
    return (np.round(values / step) * step).astype(np.float32)


def pack(how: Rounding, path: Path, output: Path) -> None:
    """Matrices become integers, of floats the upper two bytes are kept, rounded."""
    net, metadata = load_mixer(path)
    upper_half = recorded("fitted-mixers")["upper_half"]
    packed: dict[str, np.ndarray] = {}
    for name, value in net.state_dict().items():
        kind, value = name.split(".")[0], value.detach().float()
        if kind not in ("inputs", "recur", "embed", "columns", "head", "blend"):
            packed[name] = upper_half((on_grid if name == "out_bias" else coarse)(value.numpy()))
            continue
        most = 2 ** (how.bits(kind) - 1) - 1
        steps = upper_half(how.steps(value, how.bits(kind))[:, 0].numpy().astype(np.float32))
        integers = np.clip(np.rint(value.numpy() / steps[:, None]), -most - 1, most).astype(np.int8)
        packed[name] = in_halves(torch.from_numpy(integers)).numpy() if kind == "embed" else integers
        packed[f"{name}.scale"] = steps
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
        case "collect", "more":
            root, output = paths(2, 3)
            collect(more_texts(root), output, "more")
        case "collect", _:
            root, output, folder = paths(2, 3, 4)
            collect(structured_texts(root, folder), output)
        case "train", _:
            folder, start, output = paths(1, 7, 8)
            units, blends, updates = map(int, arguments[3:6])
            rate = float(arguments[6])
            train(folder, ROUNDED[arguments[2]], (units, blends), updates, rate, start, output)
        case "mean", _:
            mean(*paths(1, 2, 3))
        case _:
            pack(ROUNDED[arguments[1]], *paths(2, 3))


if __name__ == "__main__":
    main(sys.argv[1:])
