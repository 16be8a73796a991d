//! A binary file object of Python's as a Rust reader.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A file object, seen from where it stood when it was wrapped: that is position 0.
///
/// Takes the GIL for each call; meant to be buffered. An exception of the file object travels
/// inside the [`io::Error`] and comes out again as itself.
pub struct PythonFile {
    file: Py<PyAny>,
    start: u64,
}

impl PythonFile {
    /// Wraps a file that can seek.
    pub fn new(file: Bound<'_, PyAny>) -> PyResult<PythonFile> {
        let start = file.call_method0("tell")?.extract()?;
        Ok(PythonFile { file: file.unbind(), start })
    }
}

impl Read for PythonFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Python::attach(|py| {
            let got = self.file.call_method1(py, "read", (buffer.len(),))?;
            let got = got.bind(py);
            if got.is_none() {
                return Err(ErrorKind::WouldBlock.into());
            }
            let Ok(bytes) = got.cast::<PyBytes>() else {
                let found = got.get_type().name()?;
                return Err(PyTypeError::new_err(format!("read() returned {found}, not bytes")).into());
            };
            let bytes = bytes.as_bytes();
            let Some(place) = buffer.get_mut(..bytes.len()) else {
                return Err(io::Error::other("read() returned more bytes than it was asked for"));
            };
            place.copy_from_slice(bytes);
            Ok(bytes.len())
        })
    }
}

impl Seek for PythonFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        Python::attach(|py| {
            let (offset, whence) = match to {
                SeekFrom::Start(offset) => ((offset + self.start) as i64, 0),
                SeekFrom::Current(offset) => (offset, 1),
                SeekFrom::End(offset) => (offset, 2),
            };
            let position: u64 = self.file.call_method1(py, "seek", (offset, whence))?.extract(py)?;
            position.checked_sub(self.start).ok_or_else(|| ErrorKind::InvalidInput.into())
        })
    }
}
