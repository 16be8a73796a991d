//! One run over a file, from its beginning or from a checkpoint to the placed output.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::checkpoint::{self, Extent, Record, SavedState, Stage, Task};
use super::place::{
    Digested, Partial, Source, digest_of_start, file_error, fill, partial_path, same_file, target_path,
};
use super::{FileOptions, FileReport};
use crate::{Compressor, Decompressor, Error, Limits, Options, Tick};

/// Read at once; arbitrary.
const BUFFER_BYTES: usize = 64 << 10;
/// Content decoded between two looks at the clock: a chunk.
const STEP_BYTES: usize = 1 << 20;

/// A file being made from another.
pub struct Run {
    /// What was asked for, and progress as it will stand in the next checkpoint.
    record: Record,
    checkpoint: Option<PathBuf>,
    source: Source,
    partial: Partial,
    /// What was read of the source.
    read: Digested,
    /// What was written to the partial output.
    written: Digested,
    /// What was decoded of the partial output.
    verified: Digested,
    /// Content bytes that the tick was told of.
    told: Rc<Cell<u64>>,
    begun: Instant,
    /// Time spent before `begun`.
    spent_before: Duration,
    last_checkpoint: Instant,
}

impl Run {
    /// Opens the source and creates the partial output.
    pub fn begin(source: &Path, target: &Path, task: Task, options: &FileOptions) -> Result<Run, Error> {
        let absolute = std::path::absolute(source).map_err(file_error("open", source))?;
        let source = Source::open(source)?;
        let target = target_path(target, options.overwrite, &source)?;
        let (partial, checkpoint, every) = match &options.checkpoint {
            None => (Partial::temporary(&target, options.keep_metadata)?, None, Duration::ZERO),
            Some((path, every)) => {
                let path = checkpoint_path(path, &target)?;
                let partial = Partial::recorded(&target, options.keep_metadata)?;
                (partial, Some(path), *every)
            }
        };
        let nothing = Extent { bytes: 0, digest: blake3::hash(b"") };
        let record = Record {
            stage: Stage::Code,
            task,
            source: absolute,
            target,
            partial: partial.path.clone(),
            overwrite: options.overwrite,
            verify: options.verify,
            keep_metadata: options.keep_metadata,
            every,
            spent: Duration::ZERO,
            told_bytes: 0,
            // Files of the system that are made as they are read claim to be empty.
            source_bytes: Some(source.metadata.len()).filter(|&bytes| bytes > 0),
            source_ended: false,
            read: nothing,
            written: nothing,
            verified: nothing,
            position: 0,
            member_offset: 0,
            members: 0,
            earlier_bytes: 0,
        };
        Ok(Run::new(record, checkpoint, source, partial))
    }

    /// Takes up the run that was stopped after `record` was written, if all is as it was then.
    pub fn reopen(record: Record, checkpoint: PathBuf, tick: Tick<'_>) -> Result<Run, Error> {
        let mut source = Source::open(&record.source)?;
        target_path(&record.target, record.overwrite, &source)?;
        let partial = match Partial::reopen(&record.partial, record.stage != Stage::Code) {
            // Killed after its first checkpoint and before its output lasted.
            Err(Error::File { error, .. })
                if error.kind() == std::io::ErrorKind::NotFound && record.written.bytes == 0 =>
            {
                let mut partial = Partial::recorded(&record.target, record.keep_metadata)?;
                partial.keep = true;
                partial
            }
            other => other?,
        };
        let read = unchanged(&mut source.file, &source.path, record.read, tick)?;
        let verified = unchanged(&mut source.file, &source.path, record.verified, tick)?;
        let mut run = Run::new(record, Some(checkpoint), source, partial);
        run.read = read;
        run.verified = verified;
        let partial = &mut run.partial;
        run.written = unchanged(&mut partial.file, &partial.path, run.record.written, tick)?;
        let bytes = run.record.written.bytes;
        if run.record.stage == Stage::Code {
            (partial.file.set_len(bytes))
                .and_then(|()| partial.file.seek(SeekFrom::Start(bytes)))
                .map_err(file_error("write", &partial.name))?;
        }
        Ok(run)
    }

    fn new(record: Record, checkpoint: Option<PathBuf>, source: Source, partial: Partial) -> Run {
        Run {
            spent_before: record.spent,
            told: Rc::new(Cell::new(record.told_bytes)),
            record,
            checkpoint,
            source,
            partial,
            read: Digested::new(),
            written: Digested::new(),
            verified: Digested::new(),
            begun: Instant::now(),
            last_checkpoint: Instant::now(),
        }
    }

    /// Works until the target is in place. `state` is that of the checkpoint, if there is one.
    pub fn complete(mut self, mut state: Option<SavedState>, tick: Tick<'_>) -> Result<FileReport, Error> {
        report_done(self.record.told_bytes, tick)?;
        let told = Rc::clone(&self.told);
        let tick: Tick<'_> = &mut |bytes| {
            told.set(told.get() + bytes as u64);
            tick(bytes)
        };
        if self.record.stage == Stage::Code {
            match self.record.task.clone() {
                Task::Compress(options) => self.compress(options, state.take(), tick)?,
                Task::Decompress(limits) => self.decompress(limits, state.take(), tick)?,
            }
            let verify = self.record.verify && matches!(self.record.task, Task::Compress(_));
            self.record.stage = if verify { Stage::Verify } else { Stage::Place };
            (self.record.position, self.record.member_offset) = (0, 0);
            (self.record.members, self.record.earlier_bytes) = (0, 0);
        }
        if self.record.stage == Stage::Verify {
            self.verify(state.take(), tick)?;
            self.record.stage = Stage::Place;
        }
        self.place()
    }

    fn compress(&mut self, options: Options, state: Option<SavedState>, tick: Tick<'_>) -> Result<(), Error> {
        let mut coder = match state {
            Some(state) => state.load(|from| Compressor::load(from, options.knowledge.given()))?,
            None => {
                let mut coder = Compressor::new(options)?;
                self.save(&mut |to| coder.save(to))?;
                coder
            }
        };
        self.source.seek(self.record.position)?;
        let mut buffer = Buffer::new();
        let mut out = Vec::new();
        loop {
            while !self.record.source_ended {
                if buffer.is_empty() && !self.read_content(&mut buffer)? {
                    coder.close()?;
                    self.record.source_ended = true;
                    break;
                }
                let taken = coder.feed(buffer.rest())?;
                buffer.start += taken;
                self.record.position += taken as u64;
                if !buffer.is_empty() {
                    break;
                }
                check(tick)?;
            }
            if !coder.step(&mut out, tick)? && self.record.source_ended {
                break;
            }
            self.write(&mut out)?;
            self.save_if_due(&mut |to| coder.save(to))?;
        }
        self.write(&mut out)
    }

    /// Reads more of the source into the empty buffer; false at its end.
    fn read_content(&mut self, buffer: &mut Buffer) -> Result<bool, Error> {
        let left = match self.record.source_bytes {
            Some(bytes) => bytes - self.record.position,
            None => u64::MAX,
        };
        let wanted = left.min(BUFFER_BYTES as u64) as usize;
        let got = buffer.read(&mut self.source.file, &self.source.path, wanted)?;
        if got < wanted && self.record.source_bytes.is_some() {
            return Err(Error::Changed {
                path: self.source.path.clone(),
                reason: format!(
                    "it was cut to {} bytes while it was read",
                    self.record.position + got as u64
                ),
            });
        }
        self.read.update_at(self.record.position, buffer.rest());
        Ok(got > 0)
    }

    fn decompress(&mut self, limits: Limits, state: Option<SavedState>, tick: Tick<'_>) -> Result<(), Error> {
        let mut members = match state {
            Some(state) => Members::load(limits, &self.record, state)?,
            None => {
                let mut members = Members::new(limits)?;
                self.save(&mut |to| members.decoder.save(to))?;
                members
            }
        };
        self.source.seek(self.record.position)?;
        let mut out = Vec::new();
        loop {
            let Source { file, path, .. } = &mut self.source;
            let reading = &mut |at, data: &[u8]| self.read.update_at(at, data);
            let more = members.step(file, path, &mut out, reading, tick)?;
            self.write(&mut out)?;
            members.note(&mut self.record);
            if !more {
                return Ok(());
            }
            self.save_decoder_if_due(&mut members.decoder)?;
        }
    }

    /// Decodes the partial output and compares its digest with the source's.
    fn verify(&mut self, state: Option<SavedState>, tick: Tick<'_>) -> Result<(), Error> {
        let Task::Compress(options) = &self.record.task else { return Ok(()) };
        // What was just coded may be decoded, whatever memory it takes.
        let limits = Limits {
            max_output: Some(self.read.bytes),
            max_memory: u64::MAX,
            threads: options.threads,
            priors: options.knowledge.priors(),
        };
        let mut members = match state {
            Some(state) => Members::load(limits, &self.record, state)?,
            None => {
                let mut members = Members::new(limits)?;
                self.save(&mut |to| members.decoder.save(to))?;
                members
            }
        };
        let path = self.partial.name.clone();
        self.partial.file.seek(SeekFrom::Start(self.record.position)).map_err(file_error("read", &path))?;
        let mut out = Vec::new();
        loop {
            let step = members.step(&mut self.partial.file, &path, &mut out, &mut |_, _| (), tick);
            let more = step.map_err(|error| match error {
                Error::Corrupt { .. } | Error::Format { .. } | Error::OutputLimit { .. } => {
                    Error::Verification { path: path.clone(), reason: error.to_string() }
                }
                other => other,
            })?;
            self.verified.update(&out);
            out.clear();
            members.note(&mut self.record);
            if !more {
                break;
            }
            self.save_decoder_if_due(&mut members.decoder)?;
        }
        if self.verified.extent() != self.read.extent() {
            let reason = "it decodes to other content".into();
            return Err(Error::Verification { path, reason });
        }
        Ok(())
    }

    /// Gives the output its name, and removes the checkpoint.
    fn place(mut self) -> Result<FileReport, Error> {
        self.save(&mut |_| Ok(()))?;
        if self.record.keep_metadata {
            self.partial.carry_metadata(&self.source.metadata)?;
        }
        self.partial.sync()?;
        let report = self.note();
        let Run { record, checkpoint, partial, .. } = self;
        partial.publish(&record.target, record.overwrite)?;
        if let Some(path) = checkpoint {
            checkpoint::remove(&path)?;
        }
        Ok(report)
    }

    fn write(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.partial.file.write_all(out).map_err(file_error("write", &self.partial.name))?;
        self.written.update(out);
        out.clear();
        Ok(())
    }

    fn save_if_due(
        &mut self,
        save: &mut dyn FnMut(&mut dyn Write) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.last_checkpoint.elapsed() >= self.record.every { self.save(save) } else { Ok(()) }
    }

    fn save_decoder_if_due(&mut self, decoder: &mut Decompressor) -> Result<(), Error> {
        match self.save_if_due(&mut |to| decoder.save(to)) {
            // It has met damage, and tells after the content before it.
            Err(Error::Parameter(_)) => Ok(()),
            other => other,
        }
    }

    /// Makes a checkpoint, if there are to be any: from now on what was done lasts.
    fn save(&mut self, save: &mut dyn FnMut(&mut dyn Write) -> Result<(), Error>) -> Result<(), Error> {
        let Some(path) = self.checkpoint.clone() else { return Ok(()) };
        // First what the checkpoint speaks of, then the checkpoint.
        self.partial.sync()?;
        self.note();
        self.record.write(&path, save)?;
        self.partial.keep = true;
        self.last_checkpoint = Instant::now();
        Ok(())
    }

    /// Brings the record up to date.
    fn note(&mut self) -> FileReport {
        self.record.read = self.read.extent();
        self.record.written = self.written.extent();
        self.record.verified = self.verified.extent();
        self.record.told_bytes = self.told.get();
        self.record.spent = self.spent_before + self.begun.elapsed();
        self.record.report()
    }
}

impl Record {
    fn report(&self) -> FileReport {
        let (content, archive) = match self.task {
            Task::Compress(_) => (self.read, self.written),
            Task::Decompress(_) => (self.written, self.read),
        };
        FileReport {
            content_bytes: content.bytes,
            archive_bytes: archive.bytes,
            seconds: self.spent.as_secs_f64(),
        }
    }
}

/// The report of a run that was stopped between placing its output and removing its checkpoint.
pub fn already_placed(
    record: &Record,
    checkpoint: &Path,
    tick: Tick<'_>,
) -> Result<Option<FileReport>, Error> {
    if record.stage != Stage::Place {
        return Ok(None);
    }
    let Ok(target) = fs::metadata(&record.target) else { return Ok(None) };
    let partial = fs::symlink_metadata(&record.partial);
    match &partial {
        // Its second name: it had two for a moment.
        Ok(partial) if same_file((&record.partial, partial), (&record.target, &target)) => {}
        Ok(_) => return Ok(None),
        Err(_) => {}
    }
    let mut file = File::open(&record.target).map_err(file_error("open", &record.target))?;
    if target.len() != record.written.bytes {
        let reason = format!("it has {} bytes instead of {}", target.len(), record.written.bytes);
        return Err(Error::Changed { path: record.target.clone(), reason });
    }
    unchanged(&mut file, &record.target, record.written, tick)?;
    if partial.is_ok() {
        fs::remove_file(&record.partial).map_err(file_error("remove", &record.partial))?;
    }
    checkpoint::remove(checkpoint)?;
    report_done(record.told_bytes, tick)?;
    Ok(Some(record.report()))
}

/// Where the checkpoint will stand: nothing may stand there yet.
fn checkpoint_path(path: &Path, target: &Path) -> Result<PathBuf, Error> {
    let absolute = std::path::absolute(path).map_err(file_error("create", path))?;
    if absolute == target || absolute == partial_path(target) {
        return Err(Error::Parameter(format!("{} cannot be the checkpoint as well", path.display())));
    }
    if fs::symlink_metadata(&absolute).is_ok() {
        let reason = "it exists; if it is an unfinished run's, resume that or remove it".into();
        return Err(Error::Checkpoint { path: absolute, reason });
    }
    Ok(absolute)
}

/// Makes sure that the file still begins as it did, and returns its hasher at that point.
fn unchanged(file: &mut File, path: &Path, extent: Extent, tick: Tick<'_>) -> Result<Digested, Error> {
    let digested = digest_of_start(file, path, extent.bytes, tick)?;
    let reason = if digested.bytes < extent.bytes {
        format!("it has {} bytes, and had {} or more", digested.bytes, extent.bytes)
    } else if digested.extent() != extent {
        format!("its first {} bytes differ from what they were", extent.bytes)
    } else {
        return Ok(digested);
    };
    Err(Error::Changed { path: path.to_path_buf(), reason })
}

fn check(tick: Tick<'_>) -> Result<(), Error> {
    if tick(0) == ControlFlow::Break(()) { Err(Error::Interrupted) } else { Ok(()) }
}

fn report_done(mut bytes: u64, tick: Tick<'_>) -> Result<(), Error> {
    while bytes > 0 {
        let part = usize::try_from(bytes).unwrap_or(usize::MAX);
        if tick(part) == ControlFlow::Break(()) {
            return Err(Error::Interrupted);
        }
        bytes -= part as u64;
    }
    Ok(())
}

/// Bytes read from a file and not yet taken by a coder.
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    fn new() -> Buffer {
        Buffer { bytes: vec![0; BUFFER_BYTES], start: 0, end: 0 }
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Replaces the content by the next `wanted` bytes of the file, or what there is of them.
    fn read(&mut self, file: &mut File, path: &Path, wanted: usize) -> Result<usize, Error> {
        let got = fill(file, path, &mut self.bytes[..wanted])?;
        (self.start, self.end) = (0, got);
        Ok(got)
    }
}

/// Decodes all members of an archive file, one after the other.
struct Members {
    limits: Limits,
    decoder: Decompressor,
    /// Members before the present one, and their content's length.
    before: u64,
    before_bytes: u64,
    /// Where the present member starts in the file.
    member_offset: u64,
    /// Bytes of the file that decoders have taken.
    position: u64,
    buffer: Buffer,
}

impl Members {
    fn new(limits: Limits) -> Result<Members, Error> {
        let decoder = Decompressor::new(limits.clone())?;
        Ok(Members {
            limits,
            decoder,
            before: 0,
            before_bytes: 0,
            member_offset: 0,
            position: 0,
            buffer: Buffer::new(),
        })
    }

    fn load(limits: Limits, record: &Record, state: SavedState) -> Result<Members, Error> {
        let left = limits_after(&limits, record.earlier_bytes);
        Ok(Members {
            decoder: state.load(|from| Decompressor::load(from, left))?,
            limits,
            before: record.members,
            before_bytes: record.earlier_bytes,
            member_offset: record.member_offset,
            position: record.position,
            buffer: Buffer::new(),
        })
    }

    fn note(&self, record: &mut Record) {
        record.position = self.position;
        record.member_offset = self.member_offset;
        record.members = self.before;
        record.earlier_bytes = self.before_bytes;
    }

    /// Decodes a little more into `out`; false if that was all. `reading` is told of what is read
    /// of the file and where it stands.
    fn step(
        &mut self,
        file: &mut File,
        path: &Path,
        out: &mut Vec<u8>,
        reading: &mut dyn FnMut(u64, &[u8]),
        tick: Tick<'_>,
    ) -> Result<bool, Error> {
        let (member, offset, allowed) = (self.before, self.member_offset, self.limits.max_output);
        // The decoder counts from its own member's start.
        self.step_inside(file, path, out, reading, tick).map_err(|error| match error {
            Error::Format { offset: inside, problem } => Error::Format { offset: offset + inside, problem },
            Error::Corrupt { offset: inside, block, chunk, damage, .. } => {
                Error::Corrupt { offset: offset + inside, member, block, chunk, damage }
            }
            Error::OutputLimit { allowed: left } => Error::OutputLimit { allowed: allowed.unwrap_or(left) },
            other => other,
        })
    }

    fn step_inside(
        &mut self,
        file: &mut File,
        path: &Path,
        out: &mut Vec<u8>,
        reading: &mut dyn FnMut(u64, &[u8]),
        tick: Tick<'_>,
    ) -> Result<bool, Error> {
        // With threads a decoder works on all that it was fed, so it gets what it takes.
        let start = self.position;
        let mut file_ended = false;
        loop {
            if self.buffer.is_empty() {
                self.buffer.read(file, path, BUFFER_BYTES)?;
                reading(self.position, self.buffer.rest());
                file_ended = self.buffer.is_empty();
            }
            let taken = self.decoder.feed(self.buffer.rest())?;
            self.buffer.start += taken;
            self.position += taken as u64;
            if !self.buffer.is_empty() || file_ended {
                break;
            }
        }
        if self.decoder.step(out, Some(STEP_BYTES), tick)? {
            return Ok(true);
        }
        if !self.decoder.eof() {
            if file_ended {
                self.decoder.end_of_input()?;
            }
            assert!(self.position > start, "the decoder neither takes nor gives");
            return Ok(true);
        }
        if file_ended {
            return Ok(false);
        }
        self.member_offset = self.position;
        self.before += 1;
        self.before_bytes += self.decoder.content_bytes();
        self.decoder = Decompressor::new(limits_after(&self.limits, self.before_bytes))?;
        Ok(true)
    }
}

/// What is left of the limits after so much output.
fn limits_after(limits: &Limits, output_bytes: u64) -> Limits {
    let max_output = limits.max_output.map(|allowed| allowed.saturating_sub(output_bytes));
    Limits { max_output, ..limits.clone() }
}

/// Decodes the whole archive, handing the content to `sink`, and returns the archive's length.
pub fn decode(
    source: &mut Source,
    limits: &Limits,
    sink: &mut dyn FnMut(&[u8]),
    tick: Tick<'_>,
) -> Result<u64, Error> {
    let mut members = Members::new(limits.clone())?;
    let mut out = Vec::new();
    while members.step(&mut source.file, &source.path, &mut out, &mut |_, _| (), tick)? {
        sink(&out);
        out.clear();
    }
    Ok(members.position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Priors;
    use crate::resume;

    fn go(_: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// A compression killed when its output was complete and had to be placed: its folder with
    /// source `a`, target `b`, checkpoint `c`.
    fn killed_at_placing(test: &str, overwrite: bool) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("foretold-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a"), "content").unwrap();
        let file_options = FileOptions {
            checkpoint: Some((folder.join("c"), Duration::ZERO)),
            overwrite,
            ..FileOptions::default()
        };
        let options = Options::default();
        let task = Task::Compress(options.clone());
        let mut run = Run::begin(&folder.join("a"), &folder.join("b"), task, &file_options).unwrap();
        run.compress(options, None, &mut go).unwrap();
        run.record.stage = Stage::Place;
        run.save(&mut |_| Ok(())).unwrap();
        folder
    }

    fn check_placed(folder: &Path) {
        let report = resume(&folder.join("c"), &Priors::default(), &mut go).unwrap();
        assert_eq!(report.content_bytes, 7);
        assert_eq!(report.archive_bytes, fs::metadata(folder.join("b")).unwrap().len());
        assert!(!folder.join("b.partial").exists() && !folder.join("c").exists());
        crate::test_file(&folder.join("b"), &Limits::default(), &mut go).unwrap();
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_kill_before_the_output_got_its_name() {
        for overwrite in [false, true] {
            let folder = killed_at_placing("before-name", overwrite);
            let mut permissions = fs::metadata(folder.join("b.partial")).unwrap().permissions();
            permissions.set_readonly(true);
            fs::set_permissions(folder.join("b.partial"), permissions).unwrap();
            check_placed(&folder);
        }
    }

    #[test]
    fn a_kill_between_the_second_name_and_the_end_of_the_first() {
        let folder = killed_at_placing("two-names", false);
        fs::hard_link(folder.join("b.partial"), folder.join("b")).unwrap();
        check_placed(&folder);
    }

    #[test]
    fn a_kill_before_the_checkpoint_was_removed() {
        let folder = killed_at_placing("placed", false);
        fs::rename(folder.join("b.partial"), folder.join("b")).unwrap();
        check_placed(&folder);
    }

    #[test]
    fn placed_output_that_changed_is_named() {
        let folder = killed_at_placing("placed-changed", false);
        fs::rename(folder.join("b.partial"), folder.join("b")).unwrap();
        for bytes in [&b"other"[..], &vec![0; fs::metadata(folder.join("b")).unwrap().len() as usize]] {
            fs::write(folder.join("b"), bytes).unwrap();
            let resumed = resume(&folder.join("c"), &Priors::default(), &mut go);
            assert!(matches!(resumed, Err(Error::Changed { path, .. }) if path == folder.join("b")));
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
