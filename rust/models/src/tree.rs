//! Which decisions a byte is coded as: the way from the root of a binary tree to its leaf.
//!
//! In the balanced tree these are the byte's bits. In a tree that fits its content frequent bytes
//! have short ways, so that fewer bits are predicted, and learned, for each. Leaves stand in the
//! order of their bytes: those that have bits in common have decisions in common.

use std::sync::LazyLock;

/// Decisions that a byte takes at most.
pub const MOST_DECISIONS: u8 = 16;
/// A byte that is rarer counts as if it were one in so many.
const RARE: u64 = 4096;
/// What a decision costs, in units of which bytes that differ in `UNLIKE` lower bits or more may be
/// parted for nothing, and others for [`PARTING`] a bit that they are more alike.
const DECISION: u64 = 10;
const PARTING: u64 = 3;
const UNLIKE: u32 = 5;
/// From here on a node's child is a byte.
const LEAF: u16 = 256;

/// A binary tree whose leaves are the bytes in order.
///
/// Nodes are numbered from 1, the root, level by level; there are 255. In the balanced tree that
/// is the byte's bits so far under a leading one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    children: [[u16; 2]; 256],
    /// The bits that a node's bytes have in common, under a leading one.
    common: [u8; 256],
    /// The way to each byte under a leading one.
    ways: [u32; 256],
}

impl Default for Tree {
    fn default() -> Self {
        static BALANCED: LazyLock<Tree> = LazyLock::new(|| Tree::from_depths(&[8; 256]).expect("a tree"));
        BALANCED.clone()
    }
}

impl Tree {
    /// The tree in which bytes take so many decisions, 1 to [`MOST_DECISIONS`] each; `None` if
    /// there is none.
    pub fn from_depths(depths: &[u8; 256]) -> Option<Self> {
        let mut ways = [0; 256];
        // The way to the next leaf, its first decision highest.
        let mut next = 0u32;
        for (way, &depth) in ways.iter_mut().zip(depths) {
            if !(1..=MOST_DECISIONS).contains(&depth) || next >> MOST_DECISIONS != 0 {
                return None;
            }
            let left = MOST_DECISIONS - depth;
            if next & ((1 << left) - 1) != 0 {
                return None;
            }
            *way = (1 << MOST_DECISIONS | next) >> left;
            next += 1 << left;
        }
        if next != 1 << MOST_DECISIONS {
            return None;
        }
        let (children, common) = nodes(&ways);
        Some(Tree { children, common, ways })
    }

    /// A tree for a content with such counts of bytes: one in which it takes few decisions, and each
    /// parts bytes that are unlike.
    ///
    /// Of all trees it is that in which decisions cost least, weighed by how often they are made. One that
    /// parts the bytes below `c` from those from `c` on costs more the fewer zeros `c` ends in: a tree for
    /// the fewest decisions parts letters in the midst, and models then learn less of each.
    ///
    /// No byte takes more than `most` decisions, 8 at least.
    pub fn of_counts(counts: &[u64; 256], most: u8) -> Self {
        // The rarest count as more if some get too deep.
        let trees = (0..=RARE.ilog2()).map(|halved| Tree::of_counts_from(counts, RARE >> halved));
        trees.flatten().find(|tree| tree.depths().iter().all(|&depth| depth <= most)).unwrap_or_default()
    }

    /// Where rarer bytes count as one in `rare`; `None` if that is too deep.
    fn of_counts_from(counts: &[u64; 256], rare: u64) -> Option<Self> {
        let total: u64 = counts.iter().sum();
        let least = (total / rare).max(1);
        let mut sums = [0; 257];
        for (i, &count) in counts.iter().enumerate() {
            sums[i + 1] = sums[i] + count.max(least);
        }
        // Of the bytes from `first` to `last`: what the best tree costs, by first and by last, and the
        // first byte of its right half.
        let mut costs = vec![[0u64; 256]; 256];
        let mut costs_to = vec![[0u64; 256]; 256];
        let mut parts = vec![[0u8; 256]; 256];
        let parting: [u64; 256] = std::array::from_fn(|part| {
            DECISION + PARTING * u64::from(UNLIKE.saturating_sub(part.trailing_zeros()))
        });
        for more in 1..256 {
            for first in 0..256 - more {
                let last = first + more;
                let weight = sums[last + 1] - sums[first];
                let lefts = &costs[first][first..last];
                let rights = &costs_to[last][first + 1..=last];
                let parted = lefts.iter().zip(rights).zip(&parting[first + 1..=last]);
                let all = parted.map(|((&left, &right), &parting)| left + right + weight * parting);
                let (least, cost) = all
                    .enumerate()
                    .fold((0, u64::MAX), |best, (i, cost)| if cost < best.1 { (i, cost) } else { best });
                costs[first][last] = cost;
                costs_to[last][first] = cost;
                parts[first][last] = (first + 1 + least) as u8;
            }
        }
        let mut depths = [0; 256];
        let mut left = vec![(0, 255, 0)];
        while let Some((first, last, depth)) = left.pop() {
            if first == last {
                depths[first] = depth;
                continue;
            }
            let part = usize::from(parts[first][last]);
            left.extend([(first, part - 1, depth + 1), (part, last, depth + 1)]);
        }
        Tree::from_depths(&depths)
    }

    /// The way to a byte, from the highest bit on, which is a one; its other bits are zeros behind it.
    #[inline(always)]
    pub fn aligned_way(&self, byte: u8) -> u32 {
        let way = self.way(byte);
        way << way.leading_zeros()
    }

    /// Whether an [`aligned_way`](Self::aligned_way) begins with `path`, decisions under a leading one.
    #[inline(always)]
    pub fn leads(aligned_way: u32, path: u32) -> bool {
        let deep = path.leading_zeros();
        (aligned_way ^ path << deep) >> deep == 0
    }

    /// The decisions that lead to a byte, the first of them highest, zeros behind them.
    #[inline(always)]
    pub fn decisions(&self, byte: u8) -> u32 {
        self.aligned_way(byte) << 1
    }

    /// What comes after a decision at a node: another node, or [`byte`](Self::byte).
    #[inline(always)]
    pub fn child(&self, node: u32, bit: bool) -> u16 {
        self.children[node as usize & 255][usize::from(bit)]
    }

    /// The byte that a child is, unless it is a node.
    #[inline(always)]
    pub fn byte(child: u16) -> Option<u8> {
        (child >= LEAF).then_some(child as u8)
    }

    /// The bits that all bytes below a node have in common, under a leading one.
    #[inline(always)]
    pub fn common(&self, node: u32) -> u8 {
        self.common[node as usize & 255]
    }

    /// The way to a byte, its first decision highest, under a leading one.
    #[inline(always)]
    pub fn way(&self, byte: u8) -> u32 {
        self.ways[usize::from(byte)]
    }

    /// How many decisions each byte takes.
    pub fn depths(&self) -> [u8; 256] {
        self.ways.map(|way| way.ilog2() as u8)
    }
}

/// The nodes' children and what their bytes have in common, by the ways to the leaves.
fn nodes(ways: &[u32; 256]) -> ([[u16; 2]; 256], [u8; 256]) {
    let mut children = [[0; 2]; 256];
    let mut common = [0; 256];
    // Nodes of one level, and the bytes below each.
    let mut level = vec![(1u16, 0..256usize)];
    let mut made = 1;
    while !level.is_empty() {
        let mut below = Vec::new();
        for (node, bytes) in level {
            let bits = ((bytes.start ^ (bytes.end - 1)) as u8).leading_zeros();
            common[usize::from(node)] = ((0x100 | bytes.start) >> (8 - bits)) as u8;
            // Where their ways part.
            let aligned = |byte: usize| ways[byte] << ways[byte].leading_zeros();
            let parts = (aligned(bytes.start) ^ aligned(bytes.end - 1)).leading_zeros();
            let is_one = |byte: usize| aligned(byte) << parts >> 31 != 0;
            let part = bytes.clone().find(|&byte| is_one(byte)).unwrap_or(bytes.end);
            for (bit, bytes) in [bytes.start..part, part..bytes.end].into_iter().enumerate() {
                children[usize::from(node)][bit] = match bytes.len() {
                    1 => LEAF | bytes.start as u16,
                    _ => {
                        made += 1;
                        below.push((made, bytes));
                        made
                    }
                };
            }
        }
        level = below;
    }
    (children, common)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_balanced_tree_is_a_bytes_bits() {
        let tree = Tree::default();
        for byte in 0..=255u8 {
            assert_eq!(tree.way(byte), 0x100 | u32::from(byte));
            let mut node = 1;
            for place in (0..8).rev() {
                assert_eq!(u32::from(tree.common(node)), node);
                let child = tree.child(node, byte >> place & 1 != 0);
                node = node << 1 | u32::from(byte >> place & 1);
                let leaf = (place == 0).then_some(byte);
                assert_eq!(Tree::byte(child), leaf);
                assert!(leaf.is_some() || u32::from(child) == node);
            }
        }
    }

    #[test]
    fn depths_of_no_tree_are_refused() {
        let refused = |depths: [u8; 256]| assert_eq!(Tree::from_depths(&depths), None);
        refused([7; 256]);
        refused([9; 256]);
        refused([0; 256]);
        refused([17; 256]);
        let mut depths = [8; 256];
        (depths[0], depths[255]) = (7, 9);
        refused(depths);
        // As much in all, but in no order.
        (depths[0], depths[1], depths[2], depths[255]) = (9, 8, 9, 8);
        refused(depths);
        (depths[1], depths[2]) = (9, 8);
        assert!(Tree::from_depths(&depths).is_none());
    }

    proptest::proptest! {
        #[test]
        fn ways_lead_to_their_bytes(
            counts in proptest::collection::vec((0usize..256, 0u64..1 << 20), 0..40),
            all in 0u64..3,
            most in 8u8..17,
        ) {
            let mut of_bytes = [all; 256];
            for (byte, count) in counts {
                of_bytes[byte] += count;
            }
            let tree = Tree::of_counts(&of_bytes, most);
            proptest::prop_assert_eq!(Tree::from_depths(&tree.depths()).unwrap(), tree.clone());
            let mut visits = [0u32; 256];
            for byte in 0..=255u8 {
                let way = tree.way(byte);
                let depth = way.ilog2();
                proptest::prop_assert!((1..=u32::from(most)).contains(&depth));
                let mut node = 1;
                for place in (0..depth).rev() {
                    visits[node as usize] += 1;
                    proptest::prop_assert!(Tree::leads(tree.aligned_way(byte), way >> (place + 1)));
                    proptest::prop_assert!(!Tree::leads(tree.aligned_way(byte), way >> place ^ 1));
                    let common = u32::from(tree.common(node));
                    proptest::prop_assert_eq!((0x100 | u32::from(byte)) >> (8 - common.ilog2()), common);
                    let child = tree.child(node, way >> place & 1 != 0);
                    proptest::prop_assert_eq!(Tree::byte(child), (place == 0).then_some(byte));
                    node = child.into();
                }
            }
            // All nodes but none are used, and lead both ways.
            proptest::prop_assert!(visits[1..].iter().all(|&visits| visits >= 2) && visits[0] == 0);
        }
    }

    #[test]
    fn what_is_frequent_takes_few_decisions() {
        let mut counts = [0; 256];
        (counts[32], counts[101], counts[102]) = (100_000, 50_000, 1000);
        let tree = Tree::of_counts(&counts, 16);
        let depths = tree.depths();
        assert!(depths[32] <= 2 && depths[101] <= 3, "{depths:?}");
        let decisions: u64 =
            [32u8, 101, 102].map(|b| u64::from(depths[usize::from(b)]) * counts[usize::from(b)]).iter().sum();
        assert!(decisions < 3 * 151_000, "{decisions}");
        // Nothing is known: the fewest decisions, and unlike bytes are parted first.
        assert_eq!(Tree::of_counts(&[7; 256], 16), Tree::default());
    }
}
