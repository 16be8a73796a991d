//! Headers of tar archives, and the checksum that they are going to have.

use crate::hash::hash;
use crate::history::History;
use crate::state::{StateError, StateIo};

/// Bytes of a header, where its checksum begins, how many digits that has, and where what is behind begins.
const HEADER: u32 = 512;
const CHECKSUM: u32 = 148;
const DIGITS: u32 = 6;
const REST: u32 = 156;
/// Bytes of the fields before it, from the last back: time, size, group, user, mode.
const FIELDS: [u64; 5] = [12, 12, 8, 8, 8];

/// Follows the headers of a tar archive from their checksums on.
///
/// A checksum is the sum of its header's bytes. What comes before it is known by then, and what comes behind
/// is mostly as in the header before.
#[derive(Debug, Default)]
pub(super) struct TarHeader {
    /// Where in a header the next byte stands, from the checksum on; else 0.
    place: u32,
    is_directory: bool,
    /// The checksum, as it seems, and whether its digits so far are that one's.
    expected: u32,
    is_equal: bool,
    /// Sum of what stands behind the checksum so far.
    rest: u32,
    /// What that came to last, in headers of files and of directories.
    rests: [u32; 2],
}

impl TarHeader {
    /// Adds the newest byte, which `history` does not have yet; returns a hash of what is known of the next one, or 0.
    #[inline(always)]
    pub fn push(&mut self, byte: u8, history: &History) -> u64 {
        if self.place > 0 {
            return self.step(byte);
        }
        if !ends_field(byte) || !is_digit(history.back(1)) || !has_fields(history) {
            return 0;
        }
        self.begin(byte, history)
    }

    #[cold]
    fn begin(&mut self, byte: u8, history: &History) -> u64 {
        // The name comes first, and what it does not need is 0.
        let mut sum = u32::from(byte);
        let mut last_of_name = 0;
        for back in (1..u64::from(CHECKSUM)).rev() {
            let before = history.back(back);
            sum += u32::from(before);
            if before != 0 && u64::from(CHECKSUM) - 1 - back < 100 {
                last_of_name = before;
            }
        }
        self.is_directory = last_of_name == b'/';
        // The checksum's own eight bytes count as spaces.
        self.expected = (sum + 8 * 32).wrapping_add(self.rests[usize::from(self.is_directory)]);
        (self.place, self.is_equal, self.rest) = (CHECKSUM, true, 0);
        self.code()
    }

    #[cold]
    fn step(&mut self, byte: u8) -> u64 {
        if self.place < CHECKSUM + DIGITS {
            self.is_equal &= byte == self.digit();
        } else if self.place >= REST {
            self.rest = self.rest.wrapping_add(u32::from(byte));
        }
        self.place += 1;
        if self.place == HEADER {
            self.place = 0;
            self.rests[usize::from(self.is_directory)] = self.rest;
        }
        self.code()
    }

    /// The expected digit where the next byte stands.
    fn digit(&self) -> u8 {
        let left = CHECKSUM + DIGITS - 1 - self.place;
        b'0' + (self.expected >> (3 * left) & 7) as u8
    }

    fn code(&self) -> u64 {
        if !(CHECKSUM..CHECKSUM + DIGITS).contains(&self.place) {
            return 0;
        }
        let place = self.place - CHECKSUM;
        hash(3, u32::from(self.digit()) | place << 8 | u32::from(self.is_equal) << 16)
    }

    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("tar header")?;
        for flag in [&mut self.is_directory, &mut self.is_equal] {
            io.bool(flag)?;
        }
        for number in [&mut self.place, &mut self.expected, &mut self.rest] {
            io.u32(number)?;
        }
        io.u32s(&mut self.rests)?;
        if self.place != 0 && !(CHECKSUM..HEADER).contains(&self.place) {
            return Err(StateError::Impossible("tar header"));
        }
        Ok(())
    }
}

fn ends_field(byte: u8) -> bool {
    matches!(byte, 0 | b' ')
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'7')
}

/// Whether the fields before a checksum have come, but for the last one's last byte: octal numbers, of which the
/// longer two fill their fields.
#[cold]
fn has_fields(history: &History) -> bool {
    let mut back = 0;
    FIELDS.iter().all(|&len| {
        let ends = back == 0 || ends_field(history.back(back));
        let mut inner = (back + 1..back + len).map(|at| history.back(at));
        back += len;
        let is_number = match len {
            12 => inner.all(is_digit),
            _ => inner.clone().any(is_digit) && inner.all(|byte| is_digit(byte) || ends_field(byte)),
        };
        ends && is_number
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StateReader, StateWriter};

    /// A header as tar writes it.
    fn header(name: &str, size: u32, link: &str) -> Vec<u8> {
        let kind = if name.ends_with('/') { '5' } else { '0' };
        let mut header = vec![0; 512];
        let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
        put(0, name);
        put(100, &format!("{:07o}\0{:07o}\0{:07o}\0{size:011o}\0{:011o}\0", 0o644, 1009, 100, 1_012_600_000));
        put(148, "        ");
        put(156, &format!("{kind}{link}"));
        put(257, "ustar  \0user");
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        header
    }

    /// The digits that are expected of the checksums in some bytes.
    fn expected(bytes: &[u8]) -> String {
        let (mut tar, mut history) = (TarHeader::default(), History::new(12).unwrap());
        let mut digits = String::new();
        for &byte in bytes {
            let code = tar.push(byte, &history);
            history.push(byte);
            if code != 0 {
                digits.push(tar.digit().into());
            }
        }
        digits
    }

    fn checksum(header: &[u8]) -> &str {
        std::str::from_utf8(&header[148..154]).unwrap()
    }

    #[test]
    fn checksums_are_foreseen_from_the_header_before() {
        let first = header("samba/README", 5000, "");
        let second = header("samba/docs/manual.html", 70_123, "");
        let directory = header("samba/docs/", 0, "");
        let other = header("samba/source/", 0, "");
        let all = [&first[..], &[b'x'; 700], &second, &directory, &other].concat();
        let digits = expected(&all);
        assert_eq!(digits.len(), 4 * 6);
        assert_eq!(&digits[6..12], checksum(&second));
        assert_ne!(&digits[12..18], checksum(&directory), "the first of its sort");
        assert_eq!(&digits[18..], checksum(&other));
    }

    #[test]
    fn other_bytes_are_no_headers() {
        assert_eq!(expected(&[0; 3000]), "");
        assert_eq!(expected(&b"00000000000 ".repeat(100)[..30]), "");
        assert_eq!(expected(b"0000644 0001761 0000144 00000000000 07404000000x012345"), "");
        // An eight is no octal digit.
        let text = b"0000644\x000001761\x000000144\x0000000000008\x0007404000000\x00012345";
        assert_eq!(expected(text), "");
        assert_eq!(expected(&text.map(|byte| if byte == b'8' { b'1' } else { byte })).len(), 6);
    }

    #[test]
    fn a_restored_header_goes_on_the_same() {
        let bytes = [header("a", 1, ""), header("b/", 0, ""), header("c", 9, "d")].concat();
        for cut in (0..bytes.len()).step_by(7) {
            let (mut first, mut history) = (TarHeader::default(), History::new(12).unwrap());
            for &byte in &bytes[..cut] {
                first.push(byte, &history);
                history.push(byte);
            }
            let mut state = Vec::new();
            first.state(&mut StateWriter(&mut state)).unwrap();
            let mut second = TarHeader::default();
            second.state(&mut StateReader(&mut &state[..])).unwrap();
            for &byte in &bytes[cut..] {
                assert_eq!(first.push(byte, &history), second.push(byte, &history), "cut at {cut}");
                history.push(byte);
            }
        }
    }
}
