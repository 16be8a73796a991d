//! Trees of decisions, as they stand in payloads and priors.

use foretold_coding::Decoder;
use foretold_models::{MOST_DECISIONS, MOST_TREES, Tree, Trees};

use crate::knowledge::packing::{Packer, Packing, START, Symbols, Unpacker};

/// Contexts: how deep a node is beside the leaf before it, from 3 less to 3 more.
const CONTEXTS: usize = 7;
/// What is taken as the depth of a leaf before the first.
const USUAL_DEPTH: i32 = 8;

/// Of fewer coded bytes there are [`FEW_TREES`] at most.
const MANY_TREES_BYTES: usize = 1 << 18;
const FEW_TREES: usize = 4;

/// Trees for a text of these coded bytes: `most` at most, fewer if it is short, one if it is structured.
pub fn grown(coded: &[u8], structured: bool, most: usize, deepest: u8) -> Trees {
    let most = match coded.len() {
        _ if structured => 1,
        ..MANY_TREES_BYTES => most.min(FEW_TREES),
        _ => most,
    };
    Trees::of_texts(&[coded], most, deepest)
}

/// Codes trees, or decodes some in place of `trees`; `None` if there are none.
///
/// How many they are; after each byte whether the same comes as after the byte before, and if not,
/// which; and one after another.
pub fn code_trees(coder: &mut impl Packing, trees: &Trees) -> Option<Trees> {
    let number = MOST_TREES.ilog2();
    let count = coder.plain(number, trees.len() as u32 - 1) as usize + 1;
    let mut after = [0; 256];
    if count > 1 {
        let mut same = [START; 2];
        let mut which = Symbols::new(MOST_TREES, number);
        let (mut last, mut stays) = (0, 0);
        for (byte, after) in after.iter_mut().enumerate() {
            let tree = trees.after(byte as u8);
            let is_same = coder.bit(&mut same[stays], tree == last);
            if !is_same {
                last = which.code(coder, last, tree as u32) as usize;
            }
            stays = usize::from(is_same);
            *after = last as u8;
        }
    }
    let mut bits = [START; CONTEXTS];
    let all = (0..count).map(|i| code_tree(coder, trees.tree(i % trees.len()), &mut bits));
    Trees::new(all.collect::<Option<_>>()?, after)
}

/// Codes a tree, or decodes one in place of `tree`; `None` if there is none.
///
/// Node by node, left before right: whether it is a leaf.
fn code_tree(coder: &mut impl Packing, tree: &Tree, bits: &mut [u32; CONTEXTS]) -> Option<Tree> {
    let known = tree.depths();
    let mut depths = [0; 256];
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

/// Trees for texts of which these are the coded bytes, packed for a prior.
pub fn packed_trees(texts: &[Vec<u8>]) -> Vec<u8> {
    let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    pack_trees(&Trees::of_texts(&texts, MOST_TREES, MOST_PRIMED))
}

/// Trees packed for a prior.
pub fn pack_trees(trees: &Trees) -> Vec<u8> {
    let mut packer = Packer::default();
    code_trees(&mut packer, trees);
    packer.0.finish()
}

/// A prior's trees; `None` if they are none, or too deep.
pub fn unpack_trees(packed: &[u8]) -> Option<Trees> {
    let mut unpacker = Unpacker(Decoder::new(packed));
    let trees = code_trees(&mut unpacker, &Trees::default())?;
    (unpacker.0.is_exhausted() && trees.deepest() <= MOST_PRIMED).then_some(trees)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn trees_come_back(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..3000),
            narrow in proptest::prelude::any::<u8>(),
            most in 1usize..=MOST_TREES,
        ) {
            let bytes: Vec<u8> = bytes.into_iter().map(|byte| byte & narrow).collect();
            let trees = Trees::of_texts(&[&bytes], most, 16);
            let mut packer = Packer::default();
            proptest::prop_assert_eq!(code_trees(&mut packer, &trees), Some(trees.clone()));
            let packed = packer.0.finish();
            proptest::prop_assert!(packed.len() < 110 + 110 * most, "{} bytes", packed.len());
            let mut unpacker = Unpacker(Decoder::new(&packed));
            proptest::prop_assert_eq!(code_trees(&mut unpacker, &Trees::default()), Some(trees));
        }

        #[test]
        fn whatever_comes_are_trees_or_none(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        ) {
            let mut unpacker = Unpacker(Decoder::new(&bytes));
            if let Some(trees) = code_trees(&mut unpacker, &Trees::default()) {
                proptest::prop_assert!((1..=16).contains(&trees.deepest()));
                proptest::prop_assert!((0..=255).all(|last| trees.after(last) < trees.len()));
            }
        }
    }
}
