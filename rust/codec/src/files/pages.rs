//! A byte stream with its zero pages left out.
//!
//! Model tables take up to 2 GiB and are mostly zero until a long input has filled them, so a
//! checkpoint stores runs of zero pages as their length. The stream is a sequence of records,
//! each a little-endian `u32` and what it announces:
//!
//! - `n`, 1 to 4096: `n` bytes follow;
//! - `ZERO | n`: `n` zero bytes stood here, and nothing follows;
//! - 0: the end.

use std::io::{self, Read, Write};

/// A usual page of memory; arbitrary.
const PAGE_BYTES: usize = 4096;
/// Marks a record of zeros.
const ZERO: u32 = 1 << 31;
/// Longest run of zeros in one record: whole pages below 2^31.
const LONGEST_RUN: u32 = ZERO - PAGE_BYTES as u32;

/// Writes a stream as records. [`finish`](Self::finish) writes the end.
pub struct PageWriter<W: Write> {
    out: W,
    page: Vec<u8>,
    zero_bytes: u32,
}

impl<W: Write> PageWriter<W> {
    /// Records go to `out`, in small writes: give it a buffer.
    pub fn new(out: W) -> Self {
        PageWriter { out, page: Vec::with_capacity(PAGE_BYTES), zero_bytes: 0 }
    }

    /// Writes what is pending and the end record.
    pub fn finish(mut self) -> io::Result<()> {
        self.end_page()?;
        self.end_run()?;
        self.out.write_all(&0u32.to_le_bytes())
    }

    /// The page so far becomes a record, or part of the run of zeros.
    fn end_page(&mut self) -> io::Result<()> {
        if self.page.is_empty() {
            return Ok(());
        }
        if self.page.iter().all(|&byte| byte == 0) {
            if self.zero_bytes > LONGEST_RUN - PAGE_BYTES as u32 {
                self.end_run()?;
            }
            self.zero_bytes += self.page.len() as u32;
        } else {
            self.end_run()?;
            self.out.write_all(&(self.page.len() as u32).to_le_bytes())?;
            self.out.write_all(&self.page)?;
        }
        self.page.clear();
        Ok(())
    }

    fn end_run(&mut self) -> io::Result<()> {
        if self.zero_bytes > 0 {
            self.out.write_all(&(ZERO | self.zero_bytes).to_le_bytes())?;
            self.zero_bytes = 0;
        }
        Ok(())
    }
}

impl<W: Write> Write for PageWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let taken = data.len().min(PAGE_BYTES - self.page.len());
        self.page.extend_from_slice(&data[..taken]);
        if self.page.len() == PAGE_BYTES {
            self.end_page()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the stream that a [`PageWriter`] wrote.
pub struct PageReader<R: Read> {
    from: R,
    /// Bytes left of the current record.
    left: u32,
    zero: bool,
    ended: bool,
}

impl<R: Read> PageReader<R> {
    /// Reads records from `from`, in small reads: give it a buffer.
    pub fn new(from: R) -> Self {
        PageReader { from, left: 0, zero: false, ended: false }
    }

    /// Checks that the stream has been read to its end.
    pub fn finish(mut self) -> io::Result<()> {
        if self.left == 0 && !self.ended {
            self.next_record()?;
        }
        if self.ended { Ok(()) } else { Err(invalid("bytes follow the saved state")) }
    }

    fn next_record(&mut self) -> io::Result<()> {
        let mut word = [0; 4];
        self.from.read_exact(&mut word)?;
        let word = u32::from_le_bytes(word);
        self.zero = word & ZERO != 0;
        self.left = word & !ZERO;
        self.ended = word == 0;
        if self.left == 0 && self.zero || !self.zero && self.left > PAGE_BYTES as u32 {
            return Err(invalid("a page record has an impossible length"));
        }
        Ok(())
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl<R: Read> Read for PageReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 && !self.ended {
            self.next_record()?;
        }
        let wanted = buffer.len().min(self.left as usize);
        let got = if self.zero {
            buffer[..wanted].fill(0);
            wanted
        } else {
            self.from.read(&mut buffer[..wanted])?
        };
        if got == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= got as u32;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = PageWriter::new(&mut out);
        writer.write_all(content).unwrap();
        writer.finish().unwrap();
        out
    }

    fn read_back(stored: &[u8]) -> io::Result<Vec<u8>> {
        let mut reader = PageReader::new(stored);
        let mut content = Vec::new();
        reader.read_to_end(&mut content)?;
        reader.finish()?;
        Ok(content)
    }

    #[test]
    fn any_mix_of_zeros_and_bytes_comes_back() {
        let mut content = Vec::new();
        for (zeros, ones) in [(0, 0), (1, 0), (0, 1), (4096, 4096), (10_000, 3), (1, 9000), (12_288, 0)] {
            content.extend(std::iter::repeat_n(0, zeros));
            content.extend(std::iter::repeat_n(1, ones));
            assert_eq!(read_back(&stored(&content)).unwrap(), content);
        }
    }

    #[test]
    fn zero_pages_take_no_room() {
        assert_eq!(stored(&[0; 1 << 20]).len(), 8);
    }

    #[test]
    fn a_run_longer_than_one_record_comes_back() {
        let mut out = Vec::new();
        let mut writer = PageWriter::new(&mut out);
        writer.zero_bytes = LONGEST_RUN - 100;
        writer.write_all(&[0; 5000]).unwrap();
        writer.finish().unwrap();
        let lengths: Vec<u32> =
            out.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()) & !ZERO).collect();
        assert_eq!(lengths, [LONGEST_RUN - 100, 5000, 0]);
    }

    #[test]
    fn a_stream_cut_or_continued_is_an_error() {
        let whole = stored(b"state");
        for cut in 0..whole.len() {
            assert!(read_back(&whole[..cut]).is_err());
        }
        let mut reader = PageReader::new(&whole[..]);
        reader.read_exact(&mut [0; 4]).unwrap();
        assert!(reader.finish().is_err());
        assert!(read_back(&4097u32.to_le_bytes()).is_err());
        assert!(read_back(&ZERO.to_le_bytes()).is_err());
    }
}
