"""The Merkle tree of RFC 9162 (section 2.1), over any number of leaves read once; pure, nothing is stored."""

import hashlib


def leaf_hash(data):
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows to the right and remembers only the roots of its complete subtrees."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def add(self, data):
        """Append the leaf `data` (bytes)."""
        peak, full = leaf_hash(data), self.size
        while full & 1:
            peak, full = node_hash(self.peaks.pop(), peak), full >> 1
        self.peaks.append(peak)
        self.size += 1

    def root(self):
        if not self.peaks:
            return hashlib.sha256().digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaves):
    tree = Tree()
    for data in leaves:
        tree.add(data)
    return tree.root()


def path_ranges(index, size):
    """The ranges [from, to) of leaves whose roots prove leaf `index` in a tree of `size`, the nearest first."""
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    low, high, ranges = 0, size, []
    while high - low > 1:
        middle = low + (1 << (high - low - 1).bit_length() - 1)  # the largest power of two below the length
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return ranges[::-1]


def verify_path(data, index, size, path, root):
    """Whether `path` (hashes, the nearest first) proves the leaf `data` at `index` under `root`; RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    fn, sn, found = index, size - 1, leaf_hash(data)
    for sibling in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            found = node_hash(sibling, found)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node_hash(found, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and found == root
