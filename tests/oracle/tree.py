"""Binary trees over bytes, by which they are coded.

FORMAT.md: "Trees".
"""

BYTES = 256
MOST_DEPTH = 16
BALANCED_DEPTH = 8
# What a byte counts for is this part of all bytes at least.
RAREST = 4096


def _step_cost(middle):
    zeros = (middle & -middle).bit_length() - 1
    return 10 + 3 * max(0, 5 - zeros)


STEP_COSTS = [0, *(_step_cost(middle) for middle in range(1, BYTES))]


class TreeError(Exception):
    pass


def require(right, message):
    if not right:
        raise TreeError(message)


class Tree:
    """The way of each byte, the byte of each whole way, and the number of the node of each other."""

    def __init__(self, root):
        """A node is a byte, or a pair of nodes."""
        self.root = root
        self.ways, self.bytes, self.numbers, self.common = {}, {}, {}, {}
        level = [(1, root)]
        while level:
            below = []
            for path, node in level:
                if isinstance(node, int):
                    self.ways[node], self.bytes[path] = path, node
                else:
                    number = self.numbers[path] = len(self.numbers) + 1
                    self.common[number] = _common(_outermost(node, 0), _outermost(node, 1))
                    below += [(path << 1 | side, node[side]) for side in range(2)]
            level = below

    def depth(self):
        return max(depth_of(way) for way in self.bytes)


def depth_of(path):
    return path.bit_length() - 1


def _outermost(node, side):
    return node if isinstance(node, int) else _outermost(node[side], side)


def _common(first, last):
    """The bits that bytes begin with alike, under a leading one."""
    return (0x100 | first) >> (first ^ last).bit_length()


def _balanced(first, end):
    if end - first == 1:
        return first
    middle = (first + end) // 2
    return _balanced(first, middle), _balanced(middle, end)


BALANCED = Tree(_balanced(0, BYTES))


def best(counts, deepest=MOST_DEPTH):
    """The tree that the library makes where bytes come so often."""
    rarest, tree = RAREST, _cheapest(counts, RAREST)
    while tree.depth() > deepest:
        rarest //= 2
        tree = _cheapest(counts, rarest)
    return tree


def _cheapest(counts, rarest):
    least = max(sum(counts) // rarest, 1)
    before = [0]
    for count in counts:
        before.append(before[-1] + max(count, least))
    # What the best tree over the bytes from first to end costs, and where its right side begins.
    costs = [[0] * (BYTES + 1) for _ in range(BYTES)]
    middles = [[0] * (BYTES + 1) for _ in range(BYTES)]
    for length in range(2, BYTES + 1):
        for first in range(BYTES + 1 - length):
            end = first + length
            weight, row = before[end] - before[first], costs[first]
            row[end], middles[first][end] = min(
                (row[middle] + costs[middle][end] + weight * STEP_COSTS[middle], middle)
                for middle in range(first + 1, end)
            )

    def node(first, end):
        if end - first == 1:
            return first
        middle = middles[first][end]
        return node(first, middle), node(middle, end)

    return Tree(node(0, BYTES))


class _Context:
    """Where a node stands, as its bit's context sees it: its depth beside the last leaf's."""

    def __init__(self):
        self.last = BALANCED_DEPTH

    def of(self, depth):
        return min(max(depth - self.last, -3), 3)


def write(tree, packer):
    context = _Context()

    def put(node, depth):
        is_leaf = isinstance(node, int)
        if depth > 0:
            packer.bit(is_leaf, "leaf", context.of(depth))
        if is_leaf:
            context.last = depth
            return
        for side in node:
            put(side, depth + 1)

    put(tree.root, 0)


def read(unpacker):
    context, leaves = _Context(), iter(range(BYTES))

    def take(depth):
        if depth > 0 and unpacker.bit("leaf", context.of(depth)):
            context.last = depth
            byte = next(leaves, None)
            require(byte is not None, "a tree with too many leaves")
            return byte
        require(depth < MOST_DEPTH, "a tree that is too deep")
        left = take(depth + 1)
        return left, take(depth + 1)

    root = take(0)
    require(next(leaves, None) is None, "a tree with too few leaves")
    return Tree(root)
