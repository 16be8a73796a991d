//! BLAKE3 of the whole content, with a state that can be saved.

use blake3::Hasher;
use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};

use super::frames::DIGEST_BYTES;
use super::state::{StateReader, StateWriter};
use crate::Error;

/// Bytes of a complete subtree: a power of two and a multiple of BLAKE3's own 1024.
const SUBTREE_BYTES: usize = 1 << 16;

/// BLAKE3 over bytes as they come.
///
/// The same digest as `blake3::hash` of everything. The tree is kept here instead of in a
/// `Hasher`, because that one's state cannot be saved: `subtrees` holds the chaining values of
/// complete subtrees, largest first, whose sizes are the ones of `subtree_count`'s binary digits,
/// and `tail` what follows them. The tail is never empty unless everything is: the root must be
/// finished as a root, so a subtree is complete only when a byte follows it.
pub struct ContentDigest {
    subtrees: Vec<ChainingValue>,
    subtree_count: u64,
    tail: Vec<u8>,
}

impl ContentDigest {
    pub fn new() -> ContentDigest {
        ContentDigest { subtrees: Vec::new(), subtree_count: 0, tail: Vec::new() }
    }

    pub fn update(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            if self.tail.len() == SUBTREE_BYTES {
                self.complete_subtree();
            }
            let (now, later) = data.split_at(data.len().min(SUBTREE_BYTES - self.tail.len()));
            self.tail.extend_from_slice(now);
            data = later;
        }
    }

    fn complete_subtree(&mut self) {
        let mut value = self.tail_hasher().finalize_non_root();
        self.subtree_count += 1;
        let mut count = self.subtree_count;
        while count & 1 == 0 {
            let left = self.subtrees.pop().expect("one subtree per binary digit");
            value = merge_subtrees_non_root(&left, &value, Mode::Hash);
            count >>= 1;
        }
        self.subtrees.push(value);
        self.tail.clear();
    }

    fn tail_hasher(&self) -> Hasher {
        let mut hasher = Hasher::new();
        hasher.set_input_offset(self.subtree_count * SUBTREE_BYTES as u64);
        hasher.update(&self.tail);
        hasher
    }

    /// The digest of everything so far.
    pub fn value(&self) -> [u8; DIGEST_BYTES] {
        let hasher = self.tail_hasher();
        let root = match self.subtrees.split_first() {
            None => hasher.finalize(),
            Some((first, rest)) => {
                let right = rest.iter().rev().fold(hasher.finalize_non_root(), |right, left| {
                    merge_subtrees_non_root(left, &right, Mode::Hash)
                });
                merge_subtrees_root(first, &right, Mode::Hash)
            }
        };
        root.as_bytes()[..DIGEST_BYTES].try_into().expect("16 of 32 bytes")
    }

    pub fn save(&self, to: &mut StateWriter<'_>) -> Result<(), Error> {
        to.u64(self.subtree_count)?;
        for value in &self.subtrees {
            to.raw(value)?;
        }
        to.bytes(&self.tail)
    }

    pub fn load(from: &mut StateReader<'_>) -> Result<ContentDigest, Error> {
        let subtree_count = from.u64()?;
        let mut subtrees = Vec::new();
        for _ in 0..subtree_count.count_ones() {
            subtrees.push(from.array::<32>()?);
        }
        let tail = from.bytes(SUBTREE_BYTES as u64)?;
        Ok(ContentDigest { subtrees, subtree_count, tail })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_blake3_at_every_kind_of_length() {
        let data: Vec<u8> = (0..SUBTREE_BYTES * 9).map(|i| ((i * i) >> 7) as u8).collect();
        for subtrees in 0..8 {
            for extra in [0, 1, 1023, 1024, 1025, SUBTREE_BYTES - 1] {
                let part = &data[..subtrees * SUBTREE_BYTES + extra];
                let mut digest = ContentDigest::new();
                for piece in part.chunks(40_000) {
                    let mut state = Vec::new();
                    digest.save(&mut StateWriter::new(&mut state)).unwrap();
                    digest = ContentDigest::load(&mut StateReader::new(&mut &state[..])).unwrap();
                    digest.update(piece);
                }
                assert_eq!(digest.value(), blake3::hash(part).as_bytes()[..DIGEST_BYTES], "{}", part.len());
            }
        }
    }
}
