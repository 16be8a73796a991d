//! Whole files: safe output, verification, and runs that survive a kill.
//!
//! Output is written beside its target under another name, brought to the disk, and renamed when
//! it is complete, so that the target is at all times absent, what it was before, or whole.
//! Whatever stops a run removes what it has written, unless the run keeps checkpoints: then the
//! partial output and the last checkpoint stay, and [`resume`] continues from there to the very
//! bytes that an undisturbed run writes.

mod checkpoint;
mod pages;
mod place;
mod run;

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::checkpoint::Task;
use self::place::{NotingWriter, Partial, Source, file_error, target_path};
use self::run::{Run, already_placed, decode};
use crate::{Error, Limits, Options, Priors, RecoveryReport, SeekableReader, Tick};

/// How a file is made from another.
#[derive(Clone, PartialEq, Debug)]
pub struct FileOptions {
    /// Replace the target if it exists. Without it an existing target is an error.
    pub overwrite: bool,
    /// Compression: decode the archive and compare the content before the target appears. The
    /// tick then gets the content twice over.
    pub verify: bool,
    /// Give the target the source's mode, time of change, and owner where that is permitted.
    pub keep_metadata: bool,
    /// Keep a checkpoint in this file, made anew each time so much time has passed. The partial
    /// output stands beside the target then, as `<target>.partial`, until it is complete.
    pub checkpoint: Option<(PathBuf, Duration)>,
}

impl Default for FileOptions {
    fn default() -> Self {
        FileOptions { overwrite: false, verify: false, keep_metadata: true, checkpoint: None }
    }
}

/// What was done.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FileReport {
    /// Content compressed or decompressed.
    pub content_bytes: u64,
    /// Length of the archive.
    pub archive_bytes: u64,
    /// Time it took; over all runs where one was resumed, without what a kill undid.
    pub seconds: f64,
}

/// Compresses the file `source` into the new file `target`.
///
/// The file is taken as long as it is at the start: what is appended meanwhile is left out.
pub fn compress_file(
    source: &Path,
    target: &Path,
    options: &Options,
    file_options: &FileOptions,
    tick: Tick<'_>,
) -> Result<FileReport, Error> {
    Run::begin(source, target, Task::Compress(options.clone()), file_options)?.complete(None, tick)
}

/// Decompresses the archive `source`, all its members, into the new file `target`; only the bytes
/// in `range` of the content, if one is given.
///
/// A range may reach beyond the content's end, but not start there; it excludes a checkpoint.
pub fn decompress_file(
    source: &Path,
    target: &Path,
    limits: &Limits,
    file_options: &FileOptions,
    range: Option<Range<u64>>,
    tick: Tick<'_>,
) -> Result<FileReport, Error> {
    match range {
        None => {
            Run::begin(source, target, Task::Decompress(limits.clone()), file_options)?.complete(None, tick)
        }
        Some(range) => decompress_range(source, target, limits, file_options, range, tick),
    }
}

fn decompress_range(
    source: &Path,
    target: &Path,
    limits: &Limits,
    file_options: &FileOptions,
    range: Range<u64>,
    tick: Tick<'_>,
) -> Result<FileReport, Error> {
    no_checkpoint(file_options, "a range")?;
    let started = Instant::now();
    let source = Source::open(source)?;
    let target = target_path(target, file_options.overwrite, &source)?;
    let mut reader = SeekableReader::new(&source.file, limits.clone())?;
    let content_bytes = reader.len();
    if range.start > content_bytes || range.start > range.end {
        return Err(Error::Parameter(format!(
            "range {}..{} does not lie in the content's {content_bytes} bytes",
            range.start, range.end
        )));
    }
    let end = range.end.min(content_bytes);
    if let Some(allowed) = limits.max_output
        && end - range.start > allowed
    {
        return Err(Error::OutputLimit { allowed });
    }

    let mut partial = Partial::temporary(&target, file_options.keep_metadata)?;
    let mut buffer = vec![0; 1 << 20];
    let mut position = range.start;
    while position < end {
        let wanted = (end - position).min(buffer.len() as u64) as usize;
        let got = reader.read_at(position, &mut buffer[..wanted], tick)?;
        partial.file.write_all(&buffer[..got]).map_err(file_error("write", &partial.name))?;
        position += got as u64;
    }
    drop(reader);
    publish(partial, &source, &target, file_options)?;
    Ok(FileReport {
        content_bytes: end - range.start,
        archive_bytes: source.metadata.len(),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Decodes the archive `source`, all its members, and keeps nothing: is it whole?
pub fn test_file(source: &Path, limits: &Limits, tick: Tick<'_>) -> Result<FileReport, Error> {
    let started = Instant::now();
    let mut source = Source::open(source)?;
    let mut content_bytes = 0;
    let archive_bytes =
        decode(&mut source, limits, &mut |content| content_bytes += content.len() as u64, tick)?;
    Ok(FileReport { content_bytes, archive_bytes, seconds: started.elapsed().as_secs_f64() })
}

/// Writes what can be decoded of the damaged archive `source` into the new file `target`, with
/// zeros for what is lost.
pub fn recover_file(
    source: &Path,
    target: &Path,
    limits: &Limits,
    file_options: &FileOptions,
    tick: Tick<'_>,
) -> Result<RecoveryReport, Error> {
    no_checkpoint(file_options, "recovery")?;
    let source = Source::open(source)?;
    let target = target_path(target, file_options.overwrite, &source)?;
    let mut partial = Partial::temporary(&target, file_options.keep_metadata)?;
    let mut file = NotingWriter { file: &mut partial.file, failure: None };
    let recovered = crate::recover(&source.file, &mut file, limits, tick);
    if let Some(error) = file.failure {
        return Err(file_error("write", &partial.name)(error));
    }
    let report = recovered?;
    publish(partial, &source, &target, file_options)?;
    Ok(report)
}

/// A run that was stopped, as its checkpoint has it.
#[derive(Clone, PartialEq, Debug)]
pub struct CheckpointInfo {
    /// What it reads.
    pub source: PathBuf,
    /// What it makes.
    pub target: PathBuf,
    /// Whether it compresses; otherwise it decompresses.
    pub compresses: bool,
    /// What the tick of [`resume`] gets at once.
    pub done_bytes: u64,
    /// What it gets in all, where that is known: not while decompressing.
    pub total_bytes: Option<u64>,
    /// Time spent so far.
    pub seconds: f64,
}

/// What the file `checkpoint` says, without making sure that the run can be resumed.
pub fn checkpoint_info(checkpoint: &Path) -> Result<CheckpointInfo, Error> {
    let record = checkpoint::peek(checkpoint)?;
    let compresses = matches!(record.task, Task::Compress(_));
    let passes = if record.verify { 2 } else { 1 };
    Ok(CheckpointInfo {
        compresses,
        done_bytes: record.told_bytes,
        total_bytes: record.source_bytes.filter(|_| compresses).map(|bytes| bytes.saturating_mul(passes)),
        seconds: record.spent.as_secs_f64(),
        source: record.source,
        target: record.target,
    })
}

/// Continues the run whose checkpoint is the file `checkpoint`, and removes that when complete.
///
/// First it makes sure that what was read and written so far is still the same; an error names
/// the file that is not. `priors` has the one that the run used, if it does not come with the
/// package. The tick gets at once what was done before.
pub fn resume(checkpoint: &Path, priors: &Priors, tick: Tick<'_>) -> Result<FileReport, Error> {
    let checkpoint = std::path::absolute(checkpoint).map_err(file_error("open", checkpoint))?;
    let (record, state) = checkpoint::read(&checkpoint, priors, tick)?;
    match already_placed(&record, &checkpoint, tick)? {
        Some(report) => Ok(report),
        None => Run::reopen(record, checkpoint, tick)?.complete(Some(state), tick),
    }
}

fn no_checkpoint(file_options: &FileOptions, what: &str) -> Result<(), Error> {
    match file_options.checkpoint {
        None => Ok(()),
        Some(_) => Err(Error::Parameter(format!("{what} cannot be combined with a checkpoint"))),
    }
}

/// The complete output becomes the target.
fn publish(partial: Partial, source: &Source, target: &Path, options: &FileOptions) -> Result<(), Error> {
    if options.keep_metadata {
        partial.carry_metadata(&source.metadata)?;
    }
    partial.sync()?;
    partial.publish(target, options.overwrite)
}
