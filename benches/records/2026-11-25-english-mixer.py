"""How the mixer network of 2026-11-25 was made: traces, training, export. For two hours of a core.

    python benches/records/2026-11-25-english-mixer.py TRAIN_FOLDER PRIOR OUTPUT_FOLDER

TRAIN_FOLDER has the books and encyclopedia that English was learned from; PRIOR is a prior of
n-grams made from all of it but the files that :func:`foretold.knowledge.english.is_held` holds out, which
the shipped byte network has not read either. Only these are used.
"""

import hashlib
import itertools
import sys
from pathlib import Path

import torch

from foretold.train.mixer import LstmMixer, MixerSettings, MixerTrainer, export_mixer, held_gain
from foretold.train.traces import trace

WIKI, BOOKS = "wiki/enwiki_text/", "books/"
# File, first byte and end of the piece; each piece is a block of its own.
TRAIN = [
    (BOOKS + "classics_md/Upton_Sinclair__King_Coal.md", 0, None),
    (WIKI + "AD_wiki_22.txt", 0, 250_000),
    (BOOKS + "classics_md/Ludvig_Holberg__Niels_Klim_s_Underground_Travels.md", 0, None),
    (WIKI + "AD_wiki_22.txt", 250_000, 600_000),
    (WIKI + "AD_wiki_22.txt", 600_000, None),
    (WIKI + "AD_wiki_02.txt", 0, None),
]
HELD = [(BOOKS + "novels_txt/Doyle_Hound_1902.txt", 0, None), (WIKI + "AD_wiki_39.txt", 0, 400_000)]


def main() -> None:
    root, prior, output = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    output.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    train, held = (
        [list(trace((root / name).read_bytes()[start:end], prior=prior)) for name, start, end in pieces]
        for pieces in (TRAIN, HELD)
    )
    torch.manual_seed(1)
    first = train[0][0]
    net = LstmMixer(32, first.columns, first.context_names)
    settings = MixerSettings(updates=1560, evaluate_every=700)
    lanes = [[*itertools.chain(*pieces)] for pieces in (train, held)]
    MixerTrainer(net, *lanes, settings, log=output / "log.jsonl", progress=print).run()
    figures = {
        name: [round(bits, 5) for bits in held_gain(net, pieces)]
        for (name, _, _), pieces in zip(HELD, held, strict=True)
    }
    export_mixer(net, output / "english-mixer.safetensors", "int8", card(root, figures))


def card(root: Path, figures: dict) -> dict:
    """What the network is made of."""
    rows = [(row, False) for row in TRAIN] + [(row, True) for row in HELD]
    return {
        "command": Path(__file__).name,
        "updates": 1560,
        "torch": torch.__version__,
        "figures": {"held bits per coded byte without and with it": figures},
        "data": [
            {
                "name": name,
                "from": start,
                "to": end,
                "sha256": hashlib.sha256((root / name).read_bytes()).hexdigest(),
                "held": held,
            }
            for (name, start, end), held in rows
        ],
    }


if __name__ == "__main__":
    main()
