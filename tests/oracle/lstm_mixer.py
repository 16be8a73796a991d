"""The mixer network: a bit-level LSTM that weighs all opinions anew.

FORMAT.md: "The mixer network".
"""

import numpy as np

from .dictionary import KNOWLEDGE
from .float import add_rows, exp, f32, lane_sum, rounded, sigmoid, tanh
from .network import CANDIDATE, EPSILON, FORGET, GATES, ONE, OUTPUT, tensors
from .probability import p1_clamped

TABLES = ((1, 256), (2, 256), (5, 8), (7, 16), (4, 8), (9, 16))
PARTIAL, COUNTED = 1, 6
PADDED = 64
LIMIT = f32(6)
TRUST_RATE, MOST_TRUST = f32(0.002), f32(1.5)
SCALE = 4194304
CERTAIN = 1 << 14
SHIPPED = {
    # By whether there is a byte network and whether the block starts with the English words.
    (False, False): KNOWLEDGE / "text-mixer-9.safetensors",
    (False, True): KNOWLEDGE / "english-mixer-9.safetensors",
    (True, True): KNOWLEDGE / "english-mixer-max.safetensors",
    (True, False): KNOWLEDGE / "text-mixer-9.safetensors",
}


def mixer_network(setup, prior):
    """A mixer network before its first bit: the prior's own, if it is for this preset, or a shipped one;
    and whether it hears of the byte network."""
    if prior is not None and prior.mixer_file is not None:
        own = LstmMixer(prior.mixer_file)
        columns = setup.text.inputs(len(setup.matches), setup.network)
        # Sets, the second layer, maps, the byte network.
        voices = len(setup.text.selectors) + 1 + setup.text.apms + setup.network
        if own.voices == voices and own.blended == columns:
            return own, setup.network
    if prior is not None and prior.learned is not None and prior.learned.structured:
        return structured_mixer_network(), False
    english = prior is not None and any(prior.shipped)
    return LstmMixer(SHIPPED[setup.network, english].read_bytes()), setup.network and english


def structured_mixer_network():
    """The mixer network of structured text before its first bit."""
    return LstmMixer((KNOWLEDGE / "structured-mixer-9.safetensors").read_bytes())


def multiplied(rows, columns):
    """A table's rows, where need be as products."""
    if columns is None:
        return rows
    return np.array([add_rows(np.zeros(columns.shape[1], f32), row, columns) for row in rows], f32)


class LstmMixer:
    def __init__(self, file):
        tensor = tensors(file)
        self.matrix = np.concatenate([tensor("inputs"), tensor("recur")])
        self.tables = [multiplied(tensor(f"embed.{i}"), tensor(f"columns.{i}")) for i in range(len(TABLES))]
        self.gain, self.bias = tensor("gain"), tensor("bias")
        self.head, self.head_bias, self.out_bias = tensor("head"), tensor("head_bias"), tensor("out_bias")
        blend = tensor("blend", scaled=False)
        self.blends = 0 if blend is None else len(blend)
        self.blended = 0 if blend is None else blend.shape[1]
        if self.blends:
            self.scales, self.weights = tensor("blend.scale") / f32(512), blend.astype(np.int32)
            self.blend_bias = tensor("blend_bias")
        self.voices, self.units = len(self.head_bias) - 2 - self.blends, len(self.head)
        self.opinions = len(tensor("inputs")) - self.voices - 2 - self.blends
        self.hidden, self.cells = np.zeros(self.units, f32), np.zeros(self.units, f32)
        self.nearer, self.error = np.zeros(self.voices, f32), f32(0)
        self.trust = ONE

    def predict(self, p1_q22, columns, contexts):
        """The corrected probability; columns are logits of the voices, the final one, the others, and
        the inputs of the mixer."""
        self.heard = CERTAIN <= p1_q22 <= SCALE - CERTAIN
        if not self.heard:
            self.correction = f32(0)
            return p1_q22
        columns = np.array(columns, np.int32)
        logits = columns[: self.opinions]
        self.said = (logits[: self.voices] - logits[self.voices]).astype(f32) / f32(256)
        rest = logits[self.voices :].astype(f32) / f32(512)
        counted = f32(contexts[COUNTED]) / f32(32)
        own = np.array([counted, f32(2) * self.error], f32)
        blended = np.zeros(0, f32)
        if self.blends:
            sums = self.weights @ columns[self.opinions :]
            blended = sums.astype(f32) * self.scales + self.blend_bias
        inputs = np.concatenate([self.said, rest, own, self.nearer, tanh(blended), self.hidden])
        sums = np.zeros(GATES * self.units, f32)
        for (place, rows), table in zip(TABLES, self.tables, strict=True):
            sums = sums + table[min(contexts[place], rows - 1)]
        sums = add_rows(sums, inputs, self.matrix).reshape(GATES, self.units)
        scale = ONE / np.sqrt(lane_sum(sums * sums) / f32(self.units) + EPSILON)
        after = self.bias + sums * scale[:, None] * self.gain
        f, u, o = sigmoid(after[FORGET]), tanh(after[CANDIDATE]), sigmoid(after[OUTPUT])
        self.new_cells = f * self.cells + (ONE - f) * u
        self.new_hidden = o * tanh(self.new_cells)
        weights = add_rows(self.head_bias, self.new_hidden, self.head)
        said = np.concatenate([self.said, rest[:1], [ONE], blended])
        padding = np.zeros(PADDED - len(said), f32)
        total = lane_sum(np.concatenate([weights * said, padding]))
        total = total + self.out_bias[contexts[PARTIAL]]
        self.correction = min(max(total, -LIMIT), LIMIT)
        self.p1_q22 = p1_q22
        one = f32(p1_q22) * exp(np.array([self.trust * self.correction], f32))[0]
        self.p1 = one / (one + f32(SCALE - p1_q22))
        return p1_clamped(int(rounded(np.array([self.p1 * f32(SCALE)], f32))[0]))

    def update(self, bit):
        if not self.heard:
            return
        self.hidden, self.cells = self.new_hidden, self.new_cells
        self.nearer = self.said if bit else f32(-1) * self.said
        self.error = f32(bit) - f32(self.p1_q22) / f32(SCALE)
        trust = self.trust + TRUST_RATE * (f32(bit) - self.p1) * self.correction
        self.trust = min(max(trust, f32(0)), MOST_TRUST)
