//! Places: what stood where the next byte stands, in the lines above and behind the same key.

use super::words::is_alphanumeric;
use super::{Lines, Structure};
use crate::hash::hash;
use crate::history::History;
use crate::state::{StateError, StateIo};

/// Segments of a line that are told apart: runs of letters and digits, and what is between.
const SEGMENTS: usize = 256;
const LOG2_KEYS: u32 = 12;
/// Where nothing stood before.
const NONE: u64 = 256;

/// Where the segments of a line begin.
#[derive(Clone, Copy, Debug)]
struct Row {
    starts: [u64; SEGMENTS],
    len: usize,
}

impl Default for Row {
    fn default() -> Self {
        Row { starts: [0; SEGMENTS], len: 0 }
    }
}

impl Row {
    fn start(&self, index: usize) -> u64 {
        if index < self.len { self.starts[index] } else { 0 }
    }

    fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.u64s(&mut self.starts)?;
        let mut len = self.len as u32;
        io.u32(&mut len)?;
        self.len = (len as usize).min(SEGMENTS);
        Ok(())
    }
}

/// Follows an earlier text beside the one that comes.
#[derive(Debug, Default)]
struct Beside {
    /// Where its next byte stands; 0 if there is none.
    position: u64,
    /// How what came compares with it: 0 if there is none, 1 equal so far, 2 and 3 if the first
    /// byte that differed was more or less.
    compared: u32,
}

impl Beside {
    fn at(position: u64) -> Self {
        Beside { position, compared: u32::from(position != 0) }
    }

    fn push(&mut self, byte: u8, history: &History) {
        if self.position == 0 {
            return;
        }
        let said = history.at(self.position);
        if self.compared == 1 && byte != said {
            self.compared = if byte > said { 2 } else { 3 };
        }
        self.position += 1;
    }

    fn byte(&self, history: &History, further: u64) -> u64 {
        if self.position == 0 { NONE } else { u64::from(history.at(self.position + further)) }
    }

    fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.u64(&mut self.position)?;
        io.u32(&mut self.compared)
    }
}

/// The segments of the lines above, and the values that keys had.
#[derive(Debug, Default)]
pub struct Places {
    row: Row,
    above: [Row; 2],
    in_run: bool,
    beside: Beside,
    beside2: Beside,
    /// By key, where its last value begins.
    values: Vec<u64>,
    value: Beside,
    /// The key: the last name or tag.
    pub key: u64,
    name: u64,
    tag: u64,
    /// The shape of the line before.
    pub shape_before: u64,
    shape: u64,
}

impl Places {
    pub(super) const BYTES: u64 = 8 << LOG2_KEYS;

    /// Makes the table if there is none.
    pub(super) fn begin(&mut self) {
        self.values.resize(1 << LOG2_KEYS, 0);
    }

    /// Adds the newest byte; all else has it.
    pub(super) fn push(&mut self, byte: u8, history: &History, lines: &Lines, structure: &Structure) {
        for beside in [&mut self.beside, &mut self.beside2, &mut self.value] {
            beside.push(byte, history);
        }
        let in_run = is_alphanumeric(byte);
        if byte == b'\n' {
            self.above = [self.row, self.above[0]];
            self.row.len = 0;
            self.in_run = false;
            self.begin_segment(history.len);
            self.shape_before = self.shape;
        } else if in_run != self.in_run || self.row.len == 0 {
            self.in_run = in_run;
            self.begin_segment(history.len - 1);
            for beside in [&mut self.beside, &mut self.beside2] {
                beside.push(byte, history);
            }
        }
        self.shape = lines.shape;
        self.turn_to_key(history.len, structure);
    }

    fn begin_segment(&mut self, position: u64) {
        if self.row.len < SEGMENTS {
            self.row.starts[self.row.len] = position;
            self.row.len += 1;
        }
        let index = self.row.len - 1;
        self.beside = Beside::at(self.above[0].start(index));
        self.beside2 = Beside::at(self.above[1].start(index));
    }

    fn turn_to_key(&mut self, position: u64, structure: &Structure) {
        let key = match (structure.name, structure.tag) {
            (name, _) if name != self.name && name != 0 => name,
            (_, tag) if tag != self.tag => tag,
            _ => 0,
        };
        (self.name, self.tag) = (structure.name, structure.tag);
        if key != 0 {
            let value = &mut self.values[(hash(key, 1) >> (64 - LOG2_KEYS)) as usize];
            self.value = Beside::at(*value);
            *value = position;
            self.key = key;
        }
    }

    /// The byte at the same place of the same segment, in the line before and the one before
    /// that, and how the segment compares with the former; 256 if there is none.
    #[inline(always)]
    pub fn above(&self, history: &History) -> [u64; 3] {
        [self.beside.byte(history, 0), u64::from(self.beside.compared), self.beside2.byte(history, 0)]
    }

    /// The next two bytes of the key's last value; 256 if there is none.
    #[inline(always)]
    pub fn value(&self, history: &History) -> [u64; 2] {
        [self.value.byte(history, 0), self.value.byte(history, 1)]
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("places")?;
        self.row.state(io)?;
        self.above.iter_mut().try_for_each(|row| row.state(io))?;
        io.bool(&mut self.in_run)?;
        for beside in [&mut self.beside, &mut self.beside2, &mut self.value] {
            beside.state(io)?;
        }
        io.u64s(&mut self.values)?;
        for word in [&mut self.key, &mut self.name, &mut self.tag, &mut self.shape_before, &mut self.shape] {
            io.u64(word)?;
        }
        Ok(())
    }
}
