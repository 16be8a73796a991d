//! Records: data in rows of a fixed length.

use crate::state::{StateError, StateIo};

/// Pictures are at least so wide: so much is looked at to the left and the right.
const MIN_WIDTH: u64 = 8;
/// Votes that a new length needs.
const QUORUM: u32 = 15;

/// Finds the length of the records the data seems to be made of.
#[derive(Debug)]
pub struct Records {
    /// The length found; 0 if none shows.
    pub len: u64,
    /// Whether these are pixels, and the length a picture's width.
    pub is_picture: bool,
    /// How bright each byte is in the picture.
    pub brightness: [u8; 256],
    votes: u32,
    candidate: u64,
    /// Where each byte value was seen last, and the distance before.
    seen: [u64; 256],
    distances: [u64; 256],
}

impl Default for Records {
    fn default() -> Self {
        Records {
            len: 0,
            is_picture: false,
            brightness: [0; 256],
            votes: 0,
            candidate: 0,
            seen: [0; 256],
            distances: [0; 256],
        }
    }
}

impl Records {
    /// Says that a picture begins, how wide it is and how bright each byte; or that it has ended, if its width
    /// is 0.
    pub fn turn_to_picture(&mut self, width: u64, brightness: &[u8; 256]) {
        self.is_picture = width > 0;
        if self.is_picture {
            self.brightness = *brightness;
            self.len = width.max(MIN_WIDTH);
            self.votes = 0;
        }
    }

    /// Two equal distances in a row between the same byte are a vote for that length.
    pub(super) fn push(&mut self, byte: u8, position: u64) {
        let at = usize::from(byte);
        let distance = position - self.seen[at];
        if distance == self.distances[at] && distance > 1 && !self.is_picture {
            if distance == self.candidate {
                self.votes += 1;
                if self.votes > QUORUM {
                    self.len = distance;
                    self.votes = 0;
                }
            } else if self.votes > 0 {
                self.votes -= 1;
            } else {
                self.candidate = distance;
            }
        }
        self.distances[at] = distance;
        self.seen[at] = position;
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("records")?;
        io.u64(&mut self.len)?;
        io.bool(&mut self.is_picture)?;
        io.u8s(&mut self.brightness)?;
        io.u32(&mut self.votes)?;
        io.u64(&mut self.candidate)?;
        io.u64s(&mut self.seen)?;
        io.u64s(&mut self.distances)
    }
}
