"""How the mixer network for messages in the README's table was made, and what it is worth.

    python benches/records/2026-11-26-message-mixer.py elastic_nginxplus_json.log

Preset 9's network that comes with the package is trained on, on traces of the newest third of the first
half's messages, made with a prior of the others; then it joins a prior of the whole first half.
"""

import dataclasses
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
from messages import cut, spread, total

import foretold
from foretold.train.mixer import MixerSettings, MixerTrainer, export_mixer, load_mixer, only_heard
from foretold.train.traces import Traces, trace

START = Path(__file__).parents[2] / "rust/codec/src/knowledge/text-mixer-9.safetensors"
SIZE, COUNT = 2048, 600


def learned(samples: list[bytes]) -> foretold.Prior:
    return foretold.train_prior(samples, 9, max_bytes=1 << 30, knowledge="none")


def joined(samples: list[bytes], prior: foretold.Prior) -> Traces:
    parts = [only_heard(part) for sample in samples for part in trace(sample, 9, prior=prior)]
    names = ("logits", "contexts", "p1_q22", "bits")
    together = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return dataclasses.replace(parts[0], **together)


def main() -> None:
    data = Path(sys.argv[1]).read_bytes()
    half = len(data) // 2
    samples, messages = cut(data[:half], SIZE), spread(data[half:], SIZE, COUNT)
    older = len(samples) - len(samples) // 3
    torch.manual_seed(1)
    traces = joined(samples[older:], learned(samples[:older]))
    net, _ = load_mixer(START)
    settings = MixerSettings(updates=100, batch=48, steps=128, learning_rate=1e-3, warm_up=5)
    MixerTrainer(net, [traces], [], settings).run()
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, "mixer.safetensors")
        export_mixer(net, weights)
        prior = learned(samples).with_mixer(weights)
    raw = total(
        messages,
        lambda message: foretold.compress_raw(message, 9, prior=prior),
        lambda one: foretold.decompress_raw(one, SIZE, 9, prior=prior),
    )
    print(f"{raw:,} bytes raw")


if __name__ == "__main__":
    main()
