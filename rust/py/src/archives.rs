//! Archives in files that can seek: what they hold, and any part of it.

use std::io::BufReader;

use foretold_codec::{self as codec, ArchiveInfo, BlockInfo, MemberInfo};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::door::{InTurn, enter};
use crate::priors::Prior;
use crate::python_file::PythonFile;
use crate::streams::limits;

/// [`ArchiveInfo`] as a dict, whose keys are the fields of Python's class of that name.
#[derive(IntoPyObject)]
pub struct ArchiveDict {
    members: Vec<MemberDict>,
    archive_bytes: u64,
    content_bytes: u64,
    memory_bytes: u64,
}

/// [`MemberInfo`] alike.
#[derive(IntoPyObject)]
struct MemberDict {
    offset: u64,
    archive_bytes: u64,
    content_offset: u64,
    content_bytes: u64,
    generation: u8,
    preset: u8,
    size_class: u8,
    memory_bytes: u64,
    prior: Option<String>,
    network_bytes: u64,
    compact: bool,
    checksum: bool,
    digest: Option<String>,
    seek_index: bool,
    block_bytes: Option<u64>,
    blocks: Vec<BlockDict>,
}

/// [`BlockInfo`] alike.
#[derive(IntoPyObject)]
struct BlockDict {
    offset: u64,
    archive_bytes: u64,
    content_offset: u64,
    content_bytes: u64,
}

impl From<ArchiveInfo> for ArchiveDict {
    fn from(info: ArchiveInfo) -> ArchiveDict {
        let ArchiveInfo { members, archive_bytes, content_bytes, memory_bytes } = info;
        let members = members.into_iter().map(MemberDict::from).collect();
        ArchiveDict { members, archive_bytes, content_bytes, memory_bytes }
    }
}

impl From<MemberInfo> for MemberDict {
    fn from(member: MemberInfo) -> MemberDict {
        MemberDict {
            offset: member.offset,
            archive_bytes: member.archive_bytes,
            content_offset: member.content_offset,
            content_bytes: member.content_bytes,
            generation: member.generation,
            preset: member.preset,
            size_class: member.size_class,
            memory_bytes: member.memory_bytes,
            prior: member.prior,
            network_bytes: member.network_bytes,
            compact: member.compact,
            checksum: member.checksum,
            digest: member.digest.map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect()),
            seek_index: member.seek_index,
            block_bytes: member.block_bytes,
            blocks: member.blocks.into_iter().map(BlockDict::from).collect(),
        }
    }
}

impl From<BlockInfo> for BlockDict {
    fn from(block: BlockInfo) -> BlockDict {
        let BlockInfo { offset, archive_bytes, content_offset, content_bytes } = block;
        BlockDict { offset, archive_bytes, content_offset, content_bytes }
    }
}

#[pyfunction]
pub fn info(py: Python<'_>, file: Bound<'_, PyAny>) -> PyResult<ArchiveDict> {
    let file = BufReader::new(PythonFile::new(file)?);
    Ok(enter(py, None, |_| codec::info(file))?.into())
}

#[pyclass(frozen, module = "foretold._core")]
pub struct SeekableReader(InTurn<codec::SeekableReader<BufReader<PythonFile>>>);

#[pymethods]
impl SeekableReader {
    #[new]
    fn new(
        py: Python<'_>,
        file: Bound<'_, PyAny>,
        max_memory: Option<u64>,
        threads: usize,
        priors: Vec<PyRef<'_, Prior>>,
    ) -> PyResult<SeekableReader> {
        let file = BufReader::with_capacity(1 << 16, PythonFile::new(file)?);
        let limits = limits(None, max_memory, threads, &priors);
        Ok(SeekableReader(InTurn::new(enter(py, None, |_| codec::SeekableReader::new(file, limits))?)))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.0.enter(py, |inner, _| Ok(inner.len() as usize))
    }

    fn read_at<'py>(&self, py: Python<'py>, offset: u64, size: usize) -> PyResult<Bound<'py, PyBytes>> {
        let content = self.0.enter(py, |inner, tick| {
            let mut content = vec![0; size.min(inner.len().saturating_sub(offset) as usize)];
            let got = inner.read_at(offset, &mut content, tick)?;
            content.truncate(got);
            Ok(content)
        })?;
        Ok(PyBytes::new(py, &content))
    }
}
