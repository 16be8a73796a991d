"""What bytes follow which: the n-grams of a prior.

FORMAT.md: "N-grams".
"""

from .packing import Unpacker

ORDER = 6
MOST_ORDER = 8
CLASSES = 64
BUCKETS = 96
LARGEST = 1 << 27
START_COUNT = 1 << 20
MOST_FOLLOWERS = 1 << 27

COUNTS = [0, 1, 2, 3]
while len(COUNTS) < CLASSES:
    COUNTS.append(COUNTS[-2] * 2)


class NgramsError(Exception):
    pass


def class_of(count):
    """The class whose count is nearest below or equal."""
    return max(number for number, least in enumerate(COUNTS) if least <= count)


def bucket(share):
    x = share + 1
    log = x.bit_length() - 1
    half = x >> (log - 1) & 1 if log else 0
    return min(2 * log + half, BUCKETS - 1)


def unpack(packed, order):
    """For each length up to `order` a dict from contexts to a dict from followers to classes."""
    bits = Unpacker(packed)
    most = min(MOST_FOLLOWERS, 256 * len(packed) + 65536)
    every_byte = dict.fromkeys(range(256), 1)
    levels = [{b"": _followers(bits, 0, START_COUNT, every_byte, most)}]
    most -= len(levels[0][b""])
    for length in range(1, order + 1):
        shorter, level = levels[-1], {}
        for prefix, following in shorter.items():
            for byte, class_ in following.items():
                context = prefix + bytes([byte])
                said = shorter.get(context[1:])
                if said is None:
                    continue
                if not bits.bit("kept", length, class_, min((max(len(said), 1) - 1).bit_length(), 3)):
                    continue
                level[context] = _followers(bits, length, COUNTS[class_], said, most)
                most -= len(level[context])
        levels.append(level)
    if next(bits.decoder.rest, None) is not None:
        raise NgramsError("bytes that no bit needs")
    return levels


def _followers(bits, length, count, said, most):
    if len(said) > most:
        raise NgramsError("too many followers")
    total = max(sum(COUNTS[class_] for class_ in said.values()), 1)
    following = {}
    for byte, class_ in said.items():
        share = bucket(256 * min(count, LARGEST) * min(COUNTS[class_], LARGEST) // total)
        if bits.bit("there", length, share, len(said) < 3):
            following[byte] = bits.symbol(6, "class", min(length, 3), share)
    return following
