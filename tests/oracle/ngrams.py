"""What bytes follow which: the n-grams of a prior.

FORMAT.md: "N-grams".
"""

from .packing import Unpacker

ORDER = 6
CLASSES = 64
BUCKETS = 96
LARGEST = 1 << 27
START_COUNT = 1 << 20
MOST_FOLLOWERS = 1 << 24

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


def unpack(packed):
    """For each length a dict from contexts to what follows them: a dict from bytes to classes."""
    bits = Unpacker(packed)
    every_byte = dict.fromkeys(range(256), 1)
    levels = [{b"": _followers(bits, 0, START_COUNT, every_byte, 0)}]
    for length in range(1, ORDER + 1):
        shorter, level, many = levels[-1], {}, 0
        for prefix, following in shorter.items():
            for byte, class_ in following.items():
                context = prefix + bytes([byte])
                said = shorter.get(context[1:])
                if said is None:
                    continue
                if not bits.bit("kept", length, class_, min((max(len(said), 1) - 1).bit_length(), 3)):
                    continue
                level[context] = _followers(bits, length, COUNTS[class_], said, many)
                many += len(level[context])
        levels.append(level)
    if next(bits.decoder.rest, None) is not None:
        raise NgramsError("bytes that no bit needs")
    return levels


def _followers(bits, length, count, said, many):
    if many + len(said) > MOST_FOLLOWERS:
        raise NgramsError("too many followers")
    total = max(sum(COUNTS[class_] for class_ in said.values()), 1)
    following = {}
    for byte, class_ in said.items():
        share = bucket(256 * min(count, LARGEST) * min(COUNTS[class_], LARGEST) // total)
        if bits.bit("there", length, share, len(said) < 3):
            following[byte] = bits.symbol(6, "class", min(length, 3), share)
    return following
