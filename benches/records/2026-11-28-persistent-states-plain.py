"""Persistent states on the bytes of the texts as they are, 2026-11-28.

    python benches/records/2026-11-28-persistent-states-plain.py TRAIN_FOLDER/wiki ARM,ARM SEED,SEED

What ``foretold train study --steps 8 --batch 512 --updates 2500 --lr 0.008 -T 1 --device cpu`` does,
without the word transform: a byte that is coded is a byte of the text.
"""

import sys
from types import SimpleNamespace

import torch

from foretold import _core
from foretold.train import data, study


def main(folder: str, arms: str, seeds: str) -> None:
    plain = {**vars(_core), "coded_bytes": lambda content, english: bytes(content)}
    data._core = SimpleNamespace(**plain)
    study.ARMS = tuple(arms.split(","))
    torch.set_num_threads(1)
    corpus = data.read_corpus(folder)
    chosen = tuple(int(seed) for seed in seeds.split(","))
    what = study.Study(steps=8, batch=512, updates=2500, seeds=chosen, learning_rates=(0.008,))
    print("arm,seed,carried_bits,reset_bits")
    what.run(
        corpus,
        torch.device("cpu"),
        progress=lambda run, _: print(
            f"{run.arm},{run.seed},{run.carried_bits},{run.reset_bits}", flush=True
        ),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
