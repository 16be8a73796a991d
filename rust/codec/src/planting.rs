//! Trees of decisions, as they stand in payloads and priors.

use foretold_coding::Decoder;
use foretold_models::{MOST_DECISIONS, Tree};

use crate::knowledge::packing::{Packer, Packing, START, Unpacker};

/// Contexts: how deep a node is beside the leaf before it, from 3 less to 3 more.
const CONTEXTS: usize = 7;
/// What is taken as the depth of a leaf before the first.
const USUAL_DEPTH: i32 = 8;

/// Codes a tree, or decodes one in place of `tree`; `None` if there is none.
///
/// Node by node, left before right: whether it is a leaf.
pub fn code_tree(coder: &mut impl Packing, tree: &Tree) -> Option<Tree> {
    let known = tree.depths();
    let mut depths = [0; 256];
    let mut bits = [START; CONTEXTS];
    let mut last = USUAL_DEPTH;
    let mut byte = 0;
    // Depths of the nodes that are still to come, the next one last.
    let mut nodes = vec![1u8, 1];
    while let Some(depth) = nodes.pop() {
        // Every node to come has a leaf at least.
        if byte + nodes.len() >= 256 {
            return None;
        }
        let beside = (i32::from(depth) - last).clamp(-3, 3) + 3;
        if coder.bit(&mut bits[beside as usize], known[byte] == depth) {
            depths[byte] = depth;
            byte += 1;
            last = depth.into();
        } else if depth < MOST_DECISIONS {
            nodes.extend([depth + 1; 2]);
        } else {
            return None;
        }
    }
    Tree::from_depths(&depths)
}

/// Decisions that a byte takes at most in a prior's tree: small blocks have memory for three nibbles.
pub const MOST_PRIMED: u8 = 12;

/// The tree for texts of which these are the coded bytes, packed for a prior.
pub fn packed_tree(texts: &[Vec<u8>]) -> Vec<u8> {
    let mut packer = Packer::default();
    code_tree(&mut packer, &Tree::of_counts(&counts(texts.iter().flatten()), MOST_PRIMED));
    packer.0.finish()
}

/// A prior's tree; `None` if it is none, or too deep.
pub fn unpack_tree(packed: &[u8]) -> Option<Tree> {
    let mut unpacker = Unpacker(Decoder::new(packed));
    let tree = code_tree(&mut unpacker, &Tree::default())?;
    let fits = unpacker.0.is_exhausted() && tree.depths().iter().all(|&depth| depth <= MOST_PRIMED);
    fits.then_some(tree)
}

/// How often each byte comes.
pub fn counts<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> [u64; 256] {
    let mut counts = [0; 256];
    bytes.into_iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn trees_come_back(counts in proptest::collection::vec((0usize..256, 0u64..1 << 20), 0..40)) {
            let mut of_bytes = [0; 256];
            for (byte, count) in counts {
                of_bytes[byte] += count;
            }
            let tree = Tree::of_counts(&of_bytes, 16);
            let mut packer = Packer::default();
            proptest::prop_assert_eq!(code_tree(&mut packer, &tree), Some(tree.clone()));
            let packed = packer.0.finish();
            proptest::prop_assert!(packed.len() < 120, "{} bytes", packed.len());
            let mut unpacker = Unpacker(Decoder::new(&packed));
            proptest::prop_assert_eq!(code_tree(&mut unpacker, &Tree::default()), Some(tree));
        }

        #[test]
        fn whatever_comes_is_a_tree_or_none(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            let mut unpacker = Unpacker(Decoder::new(&bytes));
            if let Some(tree) = code_tree(&mut unpacker, &Tree::default()) {
                proptest::prop_assert!(tree.depths().iter().all(|&depth| (1..=16).contains(&depth)));
            }
        }
    }
}
