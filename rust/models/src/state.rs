//! One way in and out for the state of every component.

use std::io::{self, Read, Write};

use thiserror::Error;

/// Why a state could not be read or written.
#[derive(Debug, Error)]
pub enum StateError {
    /// The section read next belongs to another component.
    #[error("the state's next section is {found:?}, not {wanted:?}")]
    WrongSection {
        /// Name the component expects.
        wanted: &'static str,
        /// Name that stands there.
        found: String,
    },
    /// A section's values contradict each other.
    #[error("the state of the {0} is impossible")]
    Impossible(&'static str),
    /// The tables for what was saved cannot be allocated.
    #[error("the memory for the saved state cannot be had")]
    Memory,
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads or writes a state; a component names its fields once, for both directions.
pub trait StateIo {
    /// Bytes, as they are.
    fn u8s(&mut self, values: &mut [u8]) -> Result<(), StateError>;
    /// Begins a section: writes its name, or checks that it is the next.
    fn section(&mut self, name: &'static str) -> Result<(), StateError>;

    /// Little-endian words.
    fn u16s(&mut self, values: &mut [u16]) -> Result<(), StateError> {
        in_parts(self, values, u16::to_le_bytes, u16::from_le_bytes)
    }
    /// Little-endian words.
    fn i16s(&mut self, values: &mut [i16]) -> Result<(), StateError> {
        in_parts(self, values, i16::to_le_bytes, i16::from_le_bytes)
    }
    /// Little-endian words.
    fn u32s(&mut self, values: &mut [u32]) -> Result<(), StateError> {
        in_parts(self, values, u32::to_le_bytes, u32::from_le_bytes)
    }
    /// Little-endian words.
    fn u64s(&mut self, values: &mut [u64]) -> Result<(), StateError> {
        in_parts(self, values, u64::to_le_bytes, u64::from_le_bytes)
    }
    /// One little-endian word.
    fn u32(&mut self, value: &mut u32) -> Result<(), StateError> {
        self.u32s(std::slice::from_mut(value))
    }
    /// One little-endian word.
    fn u64(&mut self, value: &mut u64) -> Result<(), StateError> {
        self.u64s(std::slice::from_mut(value))
    }
    /// One byte.
    fn u8(&mut self, value: &mut u8) -> Result<(), StateError> {
        self.u8s(std::slice::from_mut(value))
    }
    /// One word with a sign.
    fn i64(&mut self, value: &mut i64) -> Result<(), StateError> {
        let mut bits = *value as u64;
        self.u64(&mut bits)?;
        *value = bits as i64;
        Ok(())
    }
    /// One byte, 0 or not.
    fn bool(&mut self, value: &mut bool) -> Result<(), StateError> {
        let mut bits = u8::from(*value);
        self.u8(&mut bits)?;
        *value = bits != 0;
        Ok(())
    }
}

/// Moves words through a buffer of one page: tables may be gigabytes.
fn in_parts<S: StateIo + ?Sized, T: Copy, const N: usize>(
    io: &mut S,
    values: &mut [T],
    to: fn(T) -> [u8; N],
    from: fn([u8; N]) -> T,
) -> Result<(), StateError> {
    let mut page = [0u8; 4096];
    for part in values.chunks_mut(4096 / N) {
        let bytes = &mut page[..part.len() * N];
        for (place, &value) in bytes.chunks_exact_mut(N).zip(part.iter()) {
            place.copy_from_slice(&to(value));
        }
        io.u8s(bytes)?;
        for (value, place) in part.iter_mut().zip(bytes.chunks_exact(N)) {
            let mut word = [0; N];
            word.copy_from_slice(place);
            *value = from(word);
        }
    }
    Ok(())
}

/// Writes a state.
pub struct StateWriter<'a>(pub &'a mut dyn Write);

impl StateIo for StateWriter<'_> {
    fn u8s(&mut self, values: &mut [u8]) -> Result<(), StateError> {
        Ok(self.0.write_all(values)?)
    }

    fn section(&mut self, name: &'static str) -> Result<(), StateError> {
        self.0.write_all(&[name.len() as u8])?;
        Ok(self.0.write_all(name.as_bytes())?)
    }
}

/// Reads a state.
pub struct StateReader<'a>(pub &'a mut dyn Read);

impl StateIo for StateReader<'_> {
    fn u8s(&mut self, values: &mut [u8]) -> Result<(), StateError> {
        Ok(self.0.read_exact(values)?)
    }

    fn section(&mut self, name: &'static str) -> Result<(), StateError> {
        let mut len = [0];
        self.0.read_exact(&mut len)?;
        let mut found = vec![0; usize::from(len[0])];
        self.0.read_exact(&mut found)?;
        if found == name.as_bytes() {
            return Ok(());
        }
        Err(StateError::WrongSection { wanted: name, found: String::from_utf8_lossy(&found).into_owned() })
    }
}

/// Writes values as a [`StateWriter`] does, without the names of sections: what a format describes.
#[derive(Debug, Default)]
pub struct ValueWriter(pub Vec<u8>);

impl StateIo for ValueWriter {
    fn u8s(&mut self, values: &mut [u8]) -> Result<(), StateError> {
        self.0.extend_from_slice(values);
        Ok(())
    }

    fn section(&mut self, _: &'static str) -> Result<(), StateError> {
        Ok(())
    }
}

/// Reads what a [`ValueWriter`] wrote.
#[derive(Debug)]
pub struct ValueReader<'a>(pub &'a [u8]);

impl StateIo for ValueReader<'_> {
    fn u8s(&mut self, values: &mut [u8]) -> Result<(), StateError> {
        let (now, rest) =
            self.0.split_at_checked(values.len()).ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?;
        values.copy_from_slice(now);
        self.0 = rest;
        Ok(())
    }

    fn section(&mut self, _: &'static str) -> Result<(), StateError> {
        Ok(())
    }
}
