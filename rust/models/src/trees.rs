//! Trees of decisions for what stands where: the byte before picks one.
//!
//! What may follow a letter, a blank or the first byte of a character differs so much that each
//! has a shorter way in a tree of its own.

use crate::tree::Tree;
use crate::{StateError, StateIo};

/// Trees that there may be.
pub const MOST_TREES: usize = 8;
/// How often bytes change places between trees before these are grown.
const ROUNDS: usize = 6;

/// Trees, of which the last byte says by which the next is coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trees {
    trees: Vec<Tree>,
    after: [u8; 256],
}

impl From<Tree> for Trees {
    fn from(tree: Tree) -> Trees {
        Trees { trees: vec![tree], after: [0; 256] }
    }
}

impl Default for Trees {
    fn default() -> Self {
        Tree::default().into()
    }
}

impl Trees {
    /// These trees, and which comes after each byte; `None` if there are none, too many, or not that many.
    pub fn new(trees: Vec<Tree>, after: [u8; 256]) -> Option<Trees> {
        let fits = (1..=MOST_TREES).contains(&trees.len());
        (fits && after.iter().all(|&tree| usize::from(tree) < trees.len())).then_some(Trees { trees, after })
    }

    /// Trees for such texts, `most` at most, in which no byte takes more than `deepest` decisions, 8 at
    /// least.
    ///
    /// Bytes that are followed by alike ones share a tree: beginning with what is alike by sort (letters,
    /// blanks, first bytes of codes ...), each goes over, round by round, to the tree whose
    /// bytes' followers say most of its own.
    pub fn of_texts(texts: &[&[u8]], most: usize, deepest: u8) -> Trees {
        let mut followers = vec![[0u32; 256]; 256];
        for text in texts {
            let mut last = 0;
            for &byte in *text {
                followers[usize::from(last)][usize::from(byte)] += 1;
                last = byte;
            }
        }
        let mut after: [u8; 256] = std::array::from_fn(|byte| sort(byte as u8, most));
        let mut sums = gathered(&followers, &after, most);
        for _ in 0..ROUNDS {
            let worth: Vec<[u32; 256]> = sums.iter().map(costs).collect();
            for (followers, after) in followers.iter().zip(&mut after) {
                let cost = |worth: &[u32; 256]| -> u64 {
                    followers.iter().zip(worth).map(|(&n, &cost)| u64::from(n) * u64::from(cost)).sum()
                };
                let mut least = cost(&worth[usize::from(*after)]);
                for (tree, worth) in worth.iter().enumerate() {
                    let cost = cost(worth);
                    if cost < least {
                        (*after, least) = (tree as u8, cost);
                    }
                }
            }
            sums = gathered(&followers, &after, most);
        }
        let trees = sums.iter().map(|counts| Tree::of_counts(counts, deepest)).collect();
        Trees { trees, after }
    }

    /// How many trees there are.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.trees.len()
    }

    /// One of them.
    #[inline(always)]
    pub fn tree(&self, number: usize) -> &Tree {
        &self.trees[number]
    }

    /// Which comes after a byte.
    #[inline(always)]
    pub fn after(&self, last: u8) -> usize {
        self.after[usize::from(last)].into()
    }

    /// The decisions that a byte takes at most.
    pub fn deepest(&self) -> u8 {
        self.trees.iter().flat_map(Tree::depths).max().unwrap_or(0)
    }

    /// Reads or writes them.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        let mut count = [self.trees.len() as u8];
        io.u8s(&mut count)?;
        let mut after = self.after;
        io.u8s(&mut after)?;
        let mut trees = Vec::new();
        for number in 0..usize::from(count[0]).min(MOST_TREES) {
            let mut depths = self.trees.get(number).map_or([8; 256], Tree::depths);
            io.u8s(&mut depths)?;
            trees.push(Tree::from_depths(&depths).ok_or(StateError::Impossible("tree"))?);
        }
        *self = Trees::new(trees, after).ok_or(StateError::Impossible("trees"))?;
        Ok(())
    }
}

/// How often each byte follows those before each tree.
fn gathered(followers: &[[u32; 256]], after: &[u8; 256], trees: usize) -> Vec<[u64; 256]> {
    let mut sums = vec![[0; 256]; trees];
    for (followers, &tree) in followers.iter().zip(after) {
        for (sum, &n) in sums[usize::from(tree)].iter_mut().zip(followers) {
            *sum += u64::from(n);
        }
    }
    sums
}

/// What it costs to say each byte where they come so often, in units of 1/256 bit.
fn costs(counts: &[u64; 256]) -> [u32; 256] {
    let total = log2(counts.iter().sum::<u64>() + 256);
    counts.map(|n| total - log2(n + 1))
}

/// About the base-2 logarithm, in units of 1/256: straight between powers of two.
fn log2(n: u64) -> u32 {
    let whole = n.ilog2();
    let rest = if whole < 8 { n << (8 - whole) } else { n >> (whole - 8) };
    whole * 256 + (rest as u32 & 255)
}

/// What a byte is alike, before anything is known of it, in so many sorts.
fn sort(byte: u8, sorts: usize) -> u8 {
    let fine = match byte {
        b'a' | b'e' | b'i' | b'o' | b'u' | b'A' | b'E' | b'I' | b'O' | b'U' => 4,
        b'a'..=b'z' | b'A'..=b'Z' => 0,
        0x80..=0xbf => 2,
        b'0'..=b'9' => 6,
        0xc0..=0xff => 1,
        0..=b' ' => 3,
        b'(' | b'[' | b'{' | b'<' | b'"' | b'\'' | b'-' | b'/' | b'_' | b'&' | b'#' | b'*' => 7,
        _ => 5,
    };
    match sorts {
        0..=1 => 0,
        2 => u8::from(fine & 3 != 0),
        3..=7 => [0, 1, 2, 3, 0, 2, 2, 3][usize::from(fine)].min(sorts as u8 - 1),
        _ => fine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StateReader, StateWriter};

    /// Letters are followed by digits, and digits by letters.
    fn by_turns() -> Vec<u8> {
        (0..4000u32).flat_map(|i| [b'a' + (i * 7 % 19) as u8, b'0' + (i * i % 10) as u8]).collect()
    }

    #[test]
    fn what_is_followed_alike_shares_a_tree() {
        let text = by_turns();
        for most in [2, 4, 8] {
            let trees = Trees::of_texts(&[&text], most, 16);
            assert_eq!(trees.len(), most);
            let after = |byte| trees.after(byte);
            assert!((b'b'..=b's').all(|letter| after(letter) == after(b'a')));
            assert!([b'0', b'4', b'9'].iter().all(|&digit| after(digit) == after(b'1')));
            assert_ne!(after(b'a'), after(b'1'));
            // Of six digits that come, none takes what all bytes would.
            let depths = trees.tree(after(b'a')).depths();
            assert!([0, 1, 4, 5, 6, 9].iter().all(|&digit| depths[b'0' as usize + digit] <= 4), "{depths:?}");
        }
    }

    #[test]
    fn one_tree_is_that_of_all_bytes() {
        let text = by_turns();
        let mut counts = [0; 256];
        text.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
        assert_eq!(Trees::of_texts(&[&text], 1, 12), Tree::of_counts(&counts, 12).into());
        // Of no text none is better than the balanced one.
        let trees = Trees::of_texts(&[], 4, 16);
        assert!((0..4).all(|number| *trees.tree(number) == Tree::default()));
    }

    #[test]
    fn trees_that_there_are_not_are_refused() {
        let refused = |count: usize, most: u8| {
            let mut after = [0; 256];
            after[7] = most;
            Trees::new(vec![Tree::default(); count], after).is_none()
        };
        assert!(refused(0, 0) && refused(1, 1) && refused(3, 200) && refused(MOST_TREES + 1, 0));
        assert!(!refused(1, 0) && !refused(3, 2) && !refused(MOST_TREES, 7));
    }

    #[test]
    fn a_state_is_taken_up_or_refused() {
        let trees = Trees::of_texts(&[&by_turns()], 4, 16);
        let mut written = Vec::new();
        trees.clone().state(&mut StateWriter(&mut written)).unwrap();
        let read = |bytes: &[u8]| {
            let mut found = Trees::default();
            let mut rest = bytes;
            found.state(&mut StateReader(&mut rest)).map(|()| found)
        };
        assert_eq!(read(&written).unwrap(), trees);
        let differs_at = |at: usize, value: u8| {
            let mut bytes = written.clone();
            bytes[at] = value;
            read(&bytes)
        };
        // The count, a number, and the last depth.
        assert!(differs_at(0, 0).is_err() && differs_at(0, 9).is_err() && differs_at(0, 3).is_err());
        assert!(differs_at(1 + 65, 4).is_err());
        assert!(differs_at(written.len() - 1, 1).is_err());
    }
}
