//! What comes in from Python without being copied.

use numpy::{PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A caller's bytes: `bytes` as they are, any other buffer as the array of bytes that the
/// Python side makes of it (the limited API has no buffers before CPython 3.11, numpy has).
///
/// The array keeps its buffer alive and, where the buffer can be resized, fixed in size. Nothing
/// keeps another Python thread from writing into a mutable buffer meanwhile: as with the standard
/// library's codecs, the result then describes neither the old bytes nor the new.
pub enum Input<'py> {
    Bytes(Bound<'py, PyBytes>),
    Array(PyReadonlyArray1<'py, u8>),
}

impl Input<'_> {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Input::Bytes(bytes) => bytes.as_bytes(),
            Input::Array(array) => array.as_slice().expect("contiguity is checked on the way in"),
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for Input<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Input<'py>> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Input::Bytes(bytes.to_owned()));
        }
        let array = object.extract::<PyReadonlyArray1<'py, u8>>()?;
        if !array.is_c_contiguous() {
            return Err(PyTypeError::new_err("the array of bytes is not contiguous"));
        }
        Ok(Input::Array(array))
    }
}
