"""How the mixer networks of 2026-11-26 were made: traces, training, export.

    python benches/records/2026-11-26-mixer-networks.py NAME TRAIN_FOLDER OUTPUT_FOLDER [PRIOR]

NAME is text-mixer-9, text-mixer-9-more, text-mixer-9-mean, english-mixer-9 or english-mixer-max; what
ships as text-mixer-9 is the mean of the other two, which is better than each on held-out texts.
TRAIN_FOLDER has the books and encyclopedia that English was learned from; only these are used. PRIOR,
for English, is a prior of n-grams made from all of it but the files that
:func:`foretold.knowledge.english.is_held` holds out (for english-mixer-9 with a share of 24 / 256, so
that there are long texts), with starting weights for the preset learned from texts that are not used
here. So the models have read nothing of what the network learns from; the shipped byte network, which
takes part at preset max, has not either.
"""

import dataclasses
import hashlib
import json
import sys
from pathlib import Path

import torch

from foretold.train.mixer import (
    LstmMixer,
    MixerSettings,
    MixerTrainer,
    export_mixer,
    held_gain,
    load_mixer,
    only_heard,
)
from foretold.train.traces import trace

WIKI, BOOKS, XML = "wiki/enwiki_text/", "books/classics_md/", "wiki/mediawiki_xml/freecad_20141228.xml"
COAL, HOUND = BOOKS + "Upton_Sinclair__King_Coal.md", "books/novels_txt/Doyle_Hound_1902.txt"
WHONIX = "wiki/wikitext/whonix_A-S.wikitext"
# Files, the bytes of them, laid end to end, that are one block; the coded byte from which on and the share
# of the pieces that is learned from.
NOTHING = [
    ([COAL], 0, 300_000, 0, 0.8),
    ([WHONIX], 500_000, 4_000_000, 300_000, 0.1),
    ([WIKI + "AD_wiki_22.txt"], 0, 300_000, 0, 0.8),
    (["books/pg_raw/pg2600_War_and_Peace_part.txt"], 0, None, 0, 0.25),
    ([XML], 1_000_000, 1_250_000, 0, 1.0),
    (["books 10 to 18"], 0, None, 300_000, 0.12),
    (["books/novels_txt/Lytton_What_1858.txt"], 0, 300_000, 0, 0.8),
    ([BOOKS + "Abb_Pr_vost__Manon_Lescaut.md"], 0, 150_000, 0, 1.0),
    ([WIKI + f"AD_wiki_{i}.txt" for i in ("00", "01", "04", "06", "07")], 0, 4_500_000, 300_000, 0.12),
    ([WHONIX], 0, 200_000, 0, 0.8),
    (["books/novels_txt/Gaskell_Lovers_1863.txt"], 0, 250_000, 0, 0.7),
    ([WIKI + "AD_wiki_30.txt"], 0, None, 0, 0.25),
    (["books 45 to 53"], 0, None, 300_000, 0.06),
    ([WIKI + "AD_wiki_57.txt"], 0, 250_000, 0, 0.8),
    (["wiki/mediawiki_xml/freecad_pages-ns-10.xml"], 0, 400_000, 0, 0.5),
]
# What it goes on with.
MORE = [
    ([XML], 0, 250_000, 0, 1.0),
    ([WIKI + "AD_wiki_45.txt"], 0, 300_000, 0, 0.8),
    (["books/novels_txt/Trollope_Angel_1881.txt"], 0, 250_000, 0, 0.6),
    ([WHONIX], 2_000_000, 2_250_000, 0, 0.8),
    ([WIKI + f"AD_wiki_{i}.txt" for i in ("12", "13", "14", "17", "18")], 0, 4_500_000, 300_000, 0.06),
    (["wiki/mediawiki_xml/freecad_pages-ns-10.xml"], 400_000, None, 0, 0.5),
    (["books/novels_txt/Lytton_What_1858.txt"], 0, None, 300_000, 0.1),
    ([WIKI + "AD_wiki_77.txt"], 0, 300_000, 0, 0.8),
    (["books 60 to 67"], 0, None, 300_000, 0.05),
    ([XML], 2_000_000, 2_200_000, 0, 1.0),
]
HELD_NOTHING = [
    ([HOUND], 0, 150_000, 0, 1.0),
    ([WIKI + "AD_wiki_39.txt"], 0, 150_000, 0, 1.0),
    ([XML], 3_000_000, 3_080_000, 0, 1.0),
    (["wiki/wikitext/wtf_wikipedia_cache.wikitext"], 0, 100_000, 0, 1.0),
    (["books 20 to 22", HOUND], 0, None, 800_000, 0.15),
]
NOVELS = "books/novels_txt/"
ENGLISH_9 = [
    (
        [
            BOOKS + "Nikolai_Gogol__Dead_Souls.md",
            *(NOVELS + name for name in ("Blackmore_Erema_1877.txt", "Eliot_Felix_1866.txt")),
            NOVELS + "Trollope_Angel_1881.txt",
        ],
        *(0, None, 0, 0.18),
    ),
    ([WIKI + "AD_wiki_22.txt"], 0, 250_000, 0, 1.0),
    ([COAL], 0, None, 0, 0.5),
    ([WIKI + f"AD_wiki_{i}.txt" for i in ("02", "22", "74")], 0, None, 0, 0.22),
    ([NOVELS + "Blackmore_Erema_1877.txt"], 0, 200_000, 0, 1.0),
    ([BOOKS + "Cotton_Mather__Wonders_of_the_Invisible_World.md"], 0, None, 0, 0.4),
]
HELD_ENGLISH_9 = [
    ([HOUND], 0, None, 0, 0.6),
    ([WIKI + "AD_wiki_39.txt"], 0, 300_000, 0, 0.7),
    ([NOVELS + "Morris_Water_1897.txt", NOVELS + "Kipling_Captains_1896.txt", HOUND], 0, None, 350_000, 0.35),
]
ENGLISH_MAX = [
    ([COAL], 0, None, 0, 1.0),
    ([WIKI + "AD_wiki_22.txt"], 0, 600_000, 0, 1.0),
    ([WIKI + "AD_wiki_22.txt"], 600_000, None, 0, 1.0),
    ([WIKI + "AD_wiki_02.txt"], 0, None, 0, 1.0),
    ([WIKI + "AD_wiki_39.txt"], 400_000, None, 0, 1.0),
]
HELD_ENGLISH_MAX = [([HOUND], 0, None, 0, 0.6), ([WIKI + "AD_wiki_39.txt"], 0, 300_000, 0, 0.7)]
# Preset, what is learned from, what it is measured with, units, blends, updates. One with "more" goes on
# from what the run without has left in the output folder, at half the learning rate.
NETWORKS = {
    "text-mixer-9": (9, NOTHING, HELD_NOTHING, 32, 16, 8000),
    "text-mixer-9-more": (9, MORE, HELD_NOTHING, 32, 16, 6000),
    "english-mixer-9": (9, ENGLISH_9, HELD_ENGLISH_9, 32, 16, 4000),
    "english-mixer-max": ("max", ENGLISH_MAX, HELD_ENGLISH_MAX, 32, 24, 3200),
}


def files(root: Path, names: list[str]) -> list[Path]:
    found = []
    for name in names:
        if name.startswith("books "):
            _, first, _, last = name.split()
            found += sorted((root / BOOKS).glob("*"))[int(first) : int(last) + 1]
        else:
            found.append(root / name)
    return found


def traces(root: Path, piece: tuple, preset: int | str, knowledge: dict) -> list:
    names, start, end, begin, share = piece
    content = b"".join(path.read_bytes() for path in files(root, names))[start:end]
    return list(trace(content, preset, start=begin, share=share, piece_bytes=1 << 13, **knowledge))


def mean(output: Path) -> None:
    """What the two runs for text have left, half and half."""
    nets = [load_mixer(output / f"{name}.safetensors") for name in ("text-mixer-9", "text-mixer-9-more")]
    (first, _), (second, metadata) = nets
    others = second.state_dict()
    halves = {name: 0.5 * value + 0.5 * others[name] for name, value in first.state_dict().items()}
    second.load_state_dict(halves)
    card = json.loads(metadata["card"]) | {"mean": "0.5 of text-mixer-9 and 0.5 of text-mixer-9-more"}
    print(export_mixer(second, output / "text-mixer-9-mean.safetensors", "int8", card), "bytes")


def main() -> None:
    name, root, output = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if name == "text-mixer-9-mean":
        mean(output)
        return
    knowledge = {"prior": sys.argv[4]} if len(sys.argv) > 4 else {"knowledge": "none"}
    preset, learned, held, hidden, blends, updates = NETWORKS[name]
    output.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    train = [only_heard(one) for piece in learned for one in traces(root, piece, preset, knowledge)]
    kept = [traces(root, piece, preset, knowledge) for piece in held]
    torch.manual_seed(1)
    net = LstmMixer(hidden, train[0].columns, train[0].context_names, blends=blends)
    settings = MixerSettings(updates=updates, batch=128, evaluate_every=updates)
    if name.endswith("-more"):
        net = load_mixer(output / f"{name.removesuffix('-more')}.safetensors")[0]
        settings = dataclasses.replace(settings, learning_rate=0.003, decay=0.7)
    everything = [one for pieces in kept for one in pieces]
    log = output / f"{Path(__file__).stem}-{name}.jsonl"
    MixerTrainer(
        net, train, everything, settings, log=log, progress=lambda line: print(line, flush=True)
    ).run()

    def figures(net: LstmMixer) -> dict[str, list[float]]:
        names = (" + ".join(piece[0]) for piece in held)
        bits = ([round(bits, 5) for bits in held_gain(net, pieces, lanes=8)] for pieces in kept)
        return dict(zip(names, bits, strict=True))

    path = output / f"{name}.safetensors"
    export_mixer(net, path)
    told = {"held bits per coded byte without and with it": figures(load_mixer(path)[0])}
    print(told)
    card = {
        "command": Path(__file__).name + " " + name,
        "updates": updates,
        "torch": torch.__version__,
        "figures": told,
        "data": f"{Path(__file__).stem}-{name}.csv",
    }
    print(export_mixer(net, path, "int8", card), "bytes")
    with (output / f"{Path(__file__).stem}-{name}.csv").open("w") as rows:
        print("held,file,sha256,from,to,begin,share", file=rows)
        for piece, is_held in [(piece, False) for piece in learned] + [(piece, True) for piece in held]:
            for file in files(root, piece[0]):
                digest = hashlib.sha256(file.read_bytes()).hexdigest()
                print(is_held, file.name.replace(",", ";"), digest, *piece[1:], sep=",", file=rows)


if __name__ == "__main__":
    main()
