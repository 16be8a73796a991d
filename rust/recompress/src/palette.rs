//! Palettes of pictures: a colour keeps its number from picture to picture.
//!
//! What number a colour has is up to each picture's palette. Pictures of a series, or an animation's, have
//! nearly the same colours, but in palettes of their own, where one more colour moves all behind it; what a
//! model has learned of one is then of no use for the next. So pixels are seen as the *bytes* that their
//! colours had in the picture before.

const BYTES: usize = 256;
/// Squared distance of two colours that are as good as one: no part of them differs by more than 1.
const NEAR: u32 = 3;

type Colour = [u8; 3];

/// The colours that bytes stand for, after a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Colours {
    of: Box<[Option<Colour>; BYTES]>,
    /// How wide the picture is.
    width: u32,
}

impl Default for Colours {
    fn default() -> Colours {
        Colours { of: Box::new([None; BYTES]), width: 0 }
    }
}

/// Which byte stands for a pixel's number, and which number a byte stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    bytes: [u8; BYTES],
    numbers: [u8; BYTES],
}

impl Colours {
    /// Whether a picture with such a palette is likely to be like the one before, which is no part of the format.
    pub fn are_of_series(&self, palette: &[u8], width: u32) -> bool {
        let mut colours = palette.as_chunks::<3>().0.to_vec();
        colours.sort_unstable();
        colours.dedup();
        let known = colours.iter().filter(|&&colour| self.of.contains(&Some(colour))).count();
        width == self.width && 2 * known >= colours.len()
    }

    /// The bytes of a palette's numbers, which stand for its colours from now on: as many as there can be of
    /// those before, or, `afresh`, the numbers.
    pub fn turn(&mut self, palette: &[u8], width: u32, afresh: bool) -> Numbers {
        if afresh {
            *self = Colours::default();
        }
        let palette = palette.as_chunks::<3>().0;
        let mut turning = Turning::default();
        for (number, &colour) in palette.iter().enumerate() {
            let byte = (0..BYTES).find(|&byte| !turning.is_taken[byte] && self.of[byte] == Some(colour));
            turning.place(number, byte);
        }
        for (number, &colour) in palette.iter().enumerate() {
            if !turning.is_placed[number] {
                let near = turning.free().filter_map(|byte| Some((distance(self.of[byte]?, colour), byte)));
                let nearest = near.min().filter(|&(distance, _)| distance <= NEAR);
                turning.place(number, nearest.map(|(_, byte)| byte));
            }
        }
        for number in 0..BYTES {
            if !turning.is_placed[number] {
                let byte = match turning.is_taken[number] {
                    false => Some(number),
                    true => turning.free().min_by_key(|&byte| (self.of[byte].is_some(), byte)),
                };
                turning.place(number, byte);
            }
        }
        for (number, &colour) in palette.iter().enumerate() {
            self.of[usize::from(turning.made.bytes[number])] = Some(colour);
        }
        self.width = width;
        turning.made
    }

    /// How bright the colour is that each byte stands for; of one that stands for none the byte itself.
    pub fn brightness(&self) -> [u8; BYTES] {
        let mut brightness = identity();
        for (place, colour) in brightness.iter_mut().zip(&*self.of) {
            if let Some(colour) = colour {
                let [red, green, blue] = colour.map(u32::from);
                *place = ((2 * red + 5 * green + blue) >> 3) as u8;
            }
        }
        brightness
    }

    /// For [`from_bytes`](Self::from_bytes): nothing if no byte stands for a colour.
    pub fn to_bytes(&self) -> Vec<u8> {
        let there = (0u8..=255).zip(&*self.of).filter_map(|(byte, &colour)| Some((byte, colour?)));
        let mut bytes: Vec<u8> =
            there.flat_map(|(byte, [red, green, blue])| [byte, red, green, blue]).collect();
        if !bytes.is_empty() {
            bytes.extend(self.width.to_le_bytes());
        }
        bytes
    }

    /// What [`to_bytes`](Self::to_bytes) wrote; `None` if these are other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Colours> {
        let (each, []) = bytes.as_chunks::<4>() else { return None };
        let mut colours = Colours::default();
        let Some((&width, each)) = each.split_last() else { return Some(colours) };
        colours.width = u32::from_le_bytes(width);
        for &[byte, red, green, blue] in each {
            colours.of[usize::from(byte)] = Some([red, green, blue]);
        }
        (colours.to_bytes() == bytes).then_some(colours)
    }
}

/// Each byte itself.
pub(crate) fn identity() -> [u8; BYTES] {
    std::array::from_fn(|byte| byte as u8)
}

fn distance(a: Colour, b: Colour) -> u32 {
    a.into_iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

/// Numbers that find their bytes one after the other.
struct Turning {
    made: Numbers,
    is_placed: [bool; BYTES],
    is_taken: [bool; BYTES],
}

impl Default for Turning {
    fn default() -> Turning {
        let made = Numbers { bytes: [0; BYTES], numbers: [0; BYTES] };
        Turning { made, is_placed: [false; BYTES], is_taken: [false; BYTES] }
    }
}

impl Turning {
    fn place(&mut self, number: usize, byte: Option<usize>) {
        let Some(byte) = byte else { return };
        (self.made.bytes[number], self.made.numbers[byte]) = (byte as u8, number as u8);
        (self.is_placed[number], self.is_taken[byte]) = (true, true);
    }

    fn free(&self) -> impl Iterator<Item = usize> {
        (0..BYTES).filter(|&byte| !self.is_taken[byte])
    }
}

impl Numbers {
    /// The bytes of these numbers.
    pub fn bytes(&self, numbers: &[u8]) -> Vec<u8> {
        numbers.iter().map(|&number| self.bytes[usize::from(number)]).collect()
    }

    /// The numbers of these bytes.
    pub fn numbers(&self, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().map(|&byte| self.numbers[usize::from(byte)]).collect()
    }
}
