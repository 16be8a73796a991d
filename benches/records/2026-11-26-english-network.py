"""How the byte network of 2026-11-26 was made, on one NVIDIA H200 in 430 seconds.

    python benches/records/2026-11-26-english-network.py TRAIN_FOLDER CACHE_FOLDER OUTPUT.safetensors

TRAIN_FOLDER has the books and encyclopedia that English was learned from; files that
:func:`foretold.train.data.is_held` names are held out. The log lies beside this file, and what the card
did with other numbers of lanes in ``2026-11-26-cuda-throughput.csv``.
"""

import sys
from pathlib import Path

import torch

from foretold.train.data import read_corpus
from foretold.train.export import export, load, model_card
from foretold.train.loop import Settings, Trainer, held_bits, pick_device
from foretold.train.lstm import PersistentLSTM

SETTINGS = Settings(
    steps=128,
    batch=512,
    seconds=430,
    learning_rate=8e-3,
    warm_up=500,
    decay=0.5,
    floor=0.01,
    resets=False,
    evaluate_every=4000,
    log_every=1000,
)


def main() -> None:
    folder, cache, path = sys.argv[1:]
    corpus = read_corpus(folder, cache=cache)
    torch.manual_seed(1)
    net = PersistentLSTM(384, 2)
    log = Path(path).with_suffix(".jsonl")
    outcome = Trainer(net, corpus, SETTINGS, device=pick_device("cuda"), log=log, progress=print).run()
    net.cpu()
    figures = {"held_bits_trained": round(outcome.held_bits, 5)}
    export(net, path)
    figures["held_bits_exported"] = round(held_bits(load(path)[0], corpus.held), 5)
    card = model_card(net, corpus, updates=outcome.updates, figures=figures)
    print(export(net, path, "int8", card), "bytes")


if __name__ == "__main__":
    main()
