//! Whole files by their paths.

use std::path::PathBuf;
use std::time::Duration;

use foretold_codec::{self as codec, CheckpointInfo, FileOptions, FileReport, RecoveryReport};
use pyo3::prelude::*;

use crate::door::{Progress, enter};
use crate::input::Input;
use crate::priors::{KnowledgeArgument, Prior, at_hand};
use crate::streams::{limits, options};

/// `(content_bytes, archive_bytes, seconds)`.
type Report = (u64, u64, f64);

fn plain(report: FileReport) -> Report {
    (report.content_bytes, report.archive_bytes, report.seconds)
}

/// `(bytes_written, [(offset, length, reason), ...])`.
type Recovered = (u64, Vec<(u64, Option<u64>, String)>);

/// [`RecoveryReport`] as plain values.
fn recovered(report: RecoveryReport) -> Recovered {
    let lost = report.lost.into_iter().map(|range| (range.offset, range.length, range.reason)).collect();
    (report.bytes_written, lost)
}

/// `checkpoint` is its path and the seconds between two.
fn file_options(
    overwrite: bool,
    verify: bool,
    keep_metadata: bool,
    checkpoint: Option<(PathBuf, f64)>,
) -> FileOptions {
    let checkpoint = checkpoint.map(|(path, seconds)| (path, Duration::from_secs_f64(seconds)));
    FileOptions { overwrite, verify, keep_metadata, checkpoint }
}

#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the Python side names them")]
pub fn compress_file(
    py: Python<'_>,
    source: PathBuf,
    target: PathBuf,
    preset: u8,
    threads: usize,
    checksum: bool,
    block_size: Option<u64>,
    transform: &str,
    knowledge: KnowledgeArgument<'_>,
    network: Option<Input<'_>>,
    overwrite: bool,
    verify: bool,
    keep_metadata: bool,
    checkpoint: Option<(PathBuf, f64)>,
    progress: Progress,
) -> PyResult<Report> {
    let options = options(py, preset, threads, checksum, block_size, transform, knowledge, network)?;
    let file_options = file_options(overwrite, verify, keep_metadata, checkpoint);
    enter(py, progress, |tick| codec::compress_file(&source, &target, &options, &file_options, tick))
        .map(plain)
}

#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the Python side names them")]
pub fn decompress_file(
    py: Python<'_>,
    source: PathBuf,
    target: PathBuf,
    max_output: Option<u64>,
    max_memory: Option<u64>,
    threads: usize,
    priors: Vec<PyRef<'_, Prior>>,
    range: Option<(u64, u64)>,
    overwrite: bool,
    keep_metadata: bool,
    checkpoint: Option<(PathBuf, f64)>,
    progress: Progress,
) -> PyResult<Report> {
    let limits = limits(max_output, max_memory, threads, &priors);
    let file_options = file_options(overwrite, false, keep_metadata, checkpoint);
    let range = range.map(|(start, end)| start..end);
    enter(py, progress, |tick| codec::decompress_file(&source, &target, &limits, &file_options, range, tick))
        .map(plain)
}

#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the Python side names them")]
pub fn recover_file(
    py: Python<'_>,
    source: PathBuf,
    target: PathBuf,
    max_output: Option<u64>,
    max_memory: Option<u64>,
    threads: usize,
    priors: Vec<PyRef<'_, Prior>>,
    overwrite: bool,
    keep_metadata: bool,
    progress: Progress,
) -> PyResult<Recovered> {
    let limits = limits(max_output, max_memory, threads, &priors);
    let file_options = file_options(overwrite, false, keep_metadata, None);
    let report =
        enter(py, progress, |tick| codec::recover_file(&source, &target, &limits, &file_options, tick))?;
    Ok(recovered(report))
}

#[pyfunction]
pub fn test_file(
    py: Python<'_>,
    source: PathBuf,
    max_output: Option<u64>,
    max_memory: Option<u64>,
    threads: usize,
    priors: Vec<PyRef<'_, Prior>>,
    progress: Progress,
) -> PyResult<Report> {
    let limits = limits(max_output, max_memory, threads, &priors);
    enter(py, progress, |tick| codec::test_file(&source, &limits, tick)).map(plain)
}

/// `(source, target, compresses, done_bytes, total_bytes, seconds)`.
type Checkpoint = (PathBuf, PathBuf, bool, u64, Option<u64>, f64);

#[pyfunction]
pub fn checkpoint_info(py: Python<'_>, checkpoint: PathBuf) -> PyResult<Checkpoint> {
    let CheckpointInfo { source, target, compresses, done_bytes, total_bytes, seconds } =
        enter(py, None, |_| codec::checkpoint_info(&checkpoint))?;
    Ok((source, target, compresses, done_bytes, total_bytes, seconds))
}

#[pyfunction]
pub fn resume_file(
    py: Python<'_>,
    checkpoint: PathBuf,
    priors: Vec<PyRef<'_, Prior>>,
    progress: Progress,
) -> PyResult<Report> {
    let priors = at_hand(&priors);
    enter(py, progress, |tick| codec::resume(&checkpoint, &priors, tick)).map(plain)
}
