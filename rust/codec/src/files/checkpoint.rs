//! The file from which a stopped run continues.
//!
//! ```text
//! magic      8 bytes
//! version    u16, of this layout
//! record     u32 length, then the fields of `Record` in order
//! state      the coder's state, zero pages left out (see `pages`); nothing at stage `Place`
//! check      BLAKE3 of all before, 32 bytes
//! ```
//!
//! Integers are little-endian. The state is private to a release, so the record begins with the
//! release's name and no other release continues it.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::pages::{PageReader, PageWriter};
use super::place::{NotingWriter, create_new, digest_of_start, file_error, fill, sync_folder, with_suffix};
use crate::{Error, Knowledge, Limits, Options, Preset, Priors, Tick, Transform};

const MAGIC: &[u8; 8] = b"\x95ftdckp\n";
const VERSION: u16 = 1;
const RELEASE: &str = env!("CARGO_PKG_VERSION");
const DIGEST_BYTES: usize = blake3::OUT_LEN;
/// More than two of the longest paths; keeps a damaged length from claiming memory.
const MAX_RECORD_BYTES: u32 = 1 << 20;

/// What a run was asked to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Task {
    Compress(Options),
    Decompress(Limits),
}

/// How far a run has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// The source is being coded into the partial output.
    Code,
    /// The partial output, a complete archive, is being decoded to compare it with the source.
    Verify,
    /// The partial output is complete; it may already have its final name.
    Place,
}

/// The beginning of a file or of a content: how long it is and what it hashes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    pub bytes: u64,
    pub digest: blake3::Hash,
}

/// Everything a run needs to continue but the coder's state.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    pub stage: Stage,
    pub task: Task,
    /// Absolute, as are all paths here.
    pub source: PathBuf,
    pub target: PathBuf,
    pub partial: PathBuf,
    pub overwrite: bool,
    pub verify: bool,
    pub keep_metadata: bool,
    /// Time between two checkpoints.
    pub every: Duration,
    /// Time spent so far.
    pub spent: Duration,
    /// Content bytes that the tick was told of so far.
    pub told_bytes: u64,
    /// Compression: the source's length when the run began, which is how much is read of it;
    /// `None` to read until it ends.
    pub source_bytes: Option<u64>,
    /// Compression: all of the source was read, and the coder knows.
    pub source_ended: bool,
    /// What was read of the source.
    pub read: Extent,
    /// What was written to the partial output.
    pub written: Extent,
    /// What was decoded of the output to verify it.
    pub verified: Extent,
    /// Bytes of the stage's input, source or output, that the coder has taken. It may not have
    /// taken all that was read.
    pub position: u64,
    /// Decoding: where the present member starts in the input.
    pub member_offset: u64,
    /// Decoding: members before the present one, and the length of their content.
    pub members: u64,
    pub earlier_bytes: u64,
}

impl Record {
    /// Puts this record and the state that `save` writes in place of the checkpoint at `path`.
    ///
    /// What stands at `path` is at all times a whole checkpoint: the new one is on the disk
    /// before it takes the name.
    pub fn write(
        &self,
        path: &Path,
        save: impl FnOnce(&mut dyn Write) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let next = next_path(path);
        let mut file = create_next(&next)?;
        if let Err(error) = self.write_to(&mut file, &next, save) {
            let _ = fs::remove_file(&next);
            return Err(error);
        }
        drop(file);
        fs::rename(&next, path).map_err(file_error("replace", path))?;
        sync_folder(path);
        Ok(())
    }

    fn write_to(
        &self,
        file: &mut File,
        path: &Path,
        save: impl FnOnce(&mut dyn Write) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let failed = file_error("write", path);

        let mut out =
            HashingWriter { out: NotingWriter { file, failure: None }, hasher: blake3::Hasher::new() };
        let saved = self.write_parts(&mut out, save);
        if let Some(error) = out.out.failure {
            return Err(failed(error));
        }
        saved?;
        let check = out.hasher.finalize();
        file.write_all(check.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// Everything but the check.
    fn write_parts(
        &self,
        out: &mut HashingWriter<'_>,
        save: impl FnOnce(&mut dyn Write) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut out = BufWriter::with_capacity(1 << 20, out);
        let fields = self.to_bytes();
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        out.write_all(&(fields.len() as u32).to_le_bytes())?;
        out.write_all(&fields)?;
        if self.stage != Stage::Place {
            let mut pages = PageWriter::new(&mut out);
            save(&mut pages)?;
            pages.finish()?;
        }
        out.flush()?;
        Ok(())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Fields(Vec::new());
        out.bytes(RELEASE.as_bytes());
        out.number(match self.stage {
            Stage::Code => 0,
            Stage::Verify => 1,
            Stage::Place => 2,
        });
        match &self.task {
            Task::Compress(options) => {
                out.number(0);
                out.number(u64::from(options.preset.number()));
                out.number(options.threads as u64);
                out.flag(options.checksum);
                out.optional(options.block_size);
                out.flag(options.seek_index);
                out.number(options.transform as u64);
                match &options.knowledge {
                    Knowledge::Auto => out.number(0),
                    Knowledge::None => out.number(1),
                    Knowledge::Frozen => out.number(3),
                    Knowledge::Prior(prior) => {
                        out.number(2);
                        out.bytes(prior.digest());
                    }
                }
            }
            Task::Decompress(limits) => {
                out.number(1);
                out.optional(limits.max_output);
                out.number(limits.max_memory);
                out.number(limits.threads as u64);
            }
        }
        out.path(&self.source);
        out.path(&self.target);
        out.path(&self.partial);
        out.flag(self.overwrite);
        out.flag(self.verify);
        out.flag(self.keep_metadata);
        out.time(self.every);
        out.time(self.spent);
        out.number(self.told_bytes);
        out.optional(self.source_bytes);
        out.flag(self.source_ended);
        out.extent(self.read);
        out.extent(self.written);
        out.extent(self.verified);
        out.number(self.position);
        out.number(self.member_offset);
        out.number(self.members);
        out.number(self.earlier_bytes);
        out.0
    }

    /// Of a run that only is to be told about `priors` may be missing.
    fn from_bytes(fields: &[u8], priors: Option<&Priors>) -> Result<Record, String> {
        let mut from = FieldReader(fields);
        let release = from.bytes()?;
        if release != RELEASE.as_bytes() {
            let release = String::from_utf8_lossy(release);
            return Err(format!("it is of release {release}, and this is {RELEASE}; continue with that one"));
        }
        let stage = match from.number()? {
            0 => Stage::Code,
            1 => Stage::Verify,
            2 => Stage::Place,
            other => return Err(format!("stage {other} is unknown")),
        };
        let task = match from.number()? {
            0 => Task::Compress(Options {
                preset: {
                    let number = from.number()?;
                    u8::try_from(number)
                        .ok()
                        .and_then(Preset::new)
                        .ok_or_else(|| format!("preset {number} is unknown"))?
                },
                threads: from.size()?,
                checksum: from.flag()?,
                block_size: from.optional()?,
                seek_index: from.flag()?,
                transform: {
                    let number = from.number()?;
                    Transform::from_number(number).ok_or_else(|| format!("transform {number} is unknown"))?
                },
                knowledge: match (from.number()?, priors) {
                    (0, _) => Knowledge::Auto,
                    (1, _) => Knowledge::None,
                    (3, _) => Knowledge::Frozen,
                    (2, None) => {
                        from.bytes()?;
                        Knowledge::None
                    }
                    (2, Some(priors)) => {
                        let digest = from.bytes()?.try_into().map_err(|_| "a digest is cut short")?;
                        let prior = priors.find_digest(digest).map_err(|error| error.to_string())?;
                        Knowledge::Prior(prior.clone())
                    }
                    (number, _) => return Err(format!("knowledge {number} is unknown")),
                },
                // The compressor's state has its weights.
                network: None,
            }),
            1 => Task::Decompress(Limits {
                max_output: from.optional()?,
                max_memory: from.number()?,
                threads: from.size()?,
                priors: priors.cloned().unwrap_or_default(),
            }),
            other => return Err(format!("task {other} is unknown")),
        };
        let record = Record {
            stage,
            task,
            source: from.path()?,
            target: from.path()?,
            partial: from.path()?,
            overwrite: from.flag()?,
            verify: from.flag()?,
            keep_metadata: from.flag()?,
            every: from.time()?,
            spent: from.time()?,
            told_bytes: from.number()?,
            source_bytes: from.optional()?,
            source_ended: from.flag()?,
            read: from.extent()?,
            written: from.extent()?,
            verified: from.extent()?,
            position: from.number()?,
            member_offset: from.number()?,
            members: from.number()?,
            earlier_bytes: from.number()?,
        };
        if !from.0.is_empty() {
            return Err(format!("{} bytes follow its record", from.0.len()));
        }
        Ok(record)
    }
}

/// Where a checkpoint grows until it is complete.
fn next_path(path: &Path) -> PathBuf {
    with_suffix(path, ".next")
}

/// Creates the file at `path`. What is there must be an unfinished checkpoint that a kill left.
fn create_next(path: &Path) -> Result<File, Error> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(file_error("open", path)(error)),
        Ok(mut old) => {
            let mut start = [0; MAGIC.len()];
            let length = fill(&mut old, path, &mut start)?;
            if !MAGIC.starts_with(&start[..length]) {
                return Err(Error::Exists(path.to_path_buf()));
            }
            fs::remove_file(path).map_err(file_error("replace", path))?;
        }
    }
    create_new(path, true).map_err(file_error("create", path))
}

/// Removes a checkpoint that is not needed any more.
pub fn remove(path: &Path) -> Result<(), Error> {
    fs::remove_file(path).map_err(file_error("remove", path))?;
    sync_folder(path);
    Ok(())
}

/// The state behind a checkpoint's record, to be loaded.
pub struct SavedState {
    pages: PageReader<io::Take<BufReader<File>>>,
    path: PathBuf,
}

impl SavedState {
    /// What `load` makes of the state, which it must read to the end.
    pub fn load<T>(mut self, load: impl FnOnce(&mut dyn Read) -> Result<T, Error>) -> Result<T, Error> {
        let loaded = load(&mut self.pages).map_err(|error| match error {
            Error::State(reason) => damaged(&self.path, reason),
            Error::Io(error) => damaged(&self.path, error.to_string()),
            other => other,
        })?;
        self.pages.finish().map_err(|error| damaged(&self.path, error.to_string()))?;
        Ok(loaded)
    }
}

/// Reads the checkpoint at `path`, after its check.
pub fn read(path: &Path, priors: &Priors, tick: Tick<'_>) -> Result<(Record, SavedState), Error> {
    let mut file = File::open(path).map_err(file_error("open", path))?;
    let failed = || file_error("read", path);
    let length = file.metadata().map_err(failed())?.len();
    let Some(checked_bytes) = length.checked_sub(DIGEST_BYTES as u64) else {
        return Err(damaged(path, NOT_ONE));
    };
    let (record, record_end) = read_record(&mut file, path, Some(priors))?;
    let digested = digest_of_start(&mut file, path, checked_bytes, tick)?;
    let mut check = [0; DIGEST_BYTES];
    file.read_exact(&mut check).map_err(failed())?;
    if digested.hasher.finalize() != check {
        return Err(damaged(path, "its check does not agree with its content"));
    }
    file.seek(SeekFrom::Start(record_end)).map_err(failed())?;
    let state = BufReader::with_capacity(1 << 20, file).take(checked_bytes.saturating_sub(record_end));
    Ok((record, SavedState { pages: PageReader::new(state), path: path.to_path_buf() }))
}

/// The record of the checkpoint at `path`, without its check.
pub fn peek(path: &Path) -> Result<Record, Error> {
    let mut file = File::open(path).map_err(file_error("open", path))?;
    Ok(read_record(&mut file, path, None)?.0)
}

const NOT_ONE: &str = "it is not a checkpoint";

fn damaged(path: &Path, reason: impl Into<String>) -> Error {
    Error::Checkpoint { path: path.to_path_buf(), reason: reason.into() }
}

/// The record at the start of the file, and where it ends.
fn read_record(file: &mut File, path: &Path, priors: Option<&Priors>) -> Result<(Record, u64), Error> {
    let mut start = [0; 14];
    if fill(file, path, &mut start)? < start.len() || start[..8] != *MAGIC {
        return Err(damaged(path, NOT_ONE));
    }
    let version = u16::from_le_bytes([start[8], start[9]]);
    if version != VERSION {
        return Err(damaged(path, format!("its version is {version}, and this release reads {VERSION}")));
    }
    let record_bytes = u32::from_le_bytes([start[10], start[11], start[12], start[13]]);
    if record_bytes > MAX_RECORD_BYTES {
        return Err(damaged(path, format!("its record announces {record_bytes} bytes")));
    }
    let mut fields = vec![0; record_bytes as usize];
    if fill(file, path, &mut fields)? < fields.len() {
        return Err(damaged(path, "its record is cut short"));
    }
    let record = Record::from_bytes(&fields, priors).map_err(|reason| damaged(path, reason))?;
    Ok((record, start.len() as u64 + u64::from(record_bytes)))
}

/// Hashes what goes to a file.
struct HashingWriter<'a> {
    out: NotingWriter<'a>,
    hasher: blake3::Hasher,
}

impl Write for HashingWriter<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let written = self.out.write(data)?;
        self.hasher.update(&data[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The fields of a record, being written.
struct Fields(Vec<u8>);

impl Fields {
    fn number(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    fn flag(&mut self, value: bool) {
        self.0.push(u8::from(value));
    }

    fn optional(&mut self, value: Option<u64>) {
        self.flag(value.is_some());
        self.number(value.unwrap_or(0));
    }

    fn time(&mut self, value: Duration) {
        self.number(value.as_secs());
        self.number(u64::from(value.subsec_nanos()));
    }

    fn bytes(&mut self, value: &[u8]) {
        self.number(value.len() as u64);
        self.0.extend(value);
    }

    fn path(&mut self, value: &Path) {
        #[cfg(unix)]
        self.bytes(std::os::unix::ffi::OsStrExt::as_bytes(value.as_os_str()));
        #[cfg(windows)]
        {
            let units: Vec<u8> = std::os::windows::ffi::OsStrExt::encode_wide(value.as_os_str())
                .flat_map(u16::to_le_bytes)
                .collect();
            self.bytes(&units);
        }
    }

    fn extent(&mut self, value: Extent) {
        self.number(value.bytes);
        self.0.extend(value.digest.as_bytes());
    }
}

/// The fields of a record, being read.
struct FieldReader<'a>(&'a [u8]);

impl<'a> FieldReader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("its record is cut short")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        Ok(self.take(N)?.try_into().expect("as long as asked for"))
    }

    fn number(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn size(&mut self) -> Result<usize, String> {
        let value = self.number()?;
        usize::try_from(value).map_err(|_| format!("{value} does not fit this machine"))
    }

    fn flag(&mut self) -> Result<bool, String> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(format!("a flag is {other}")),
        }
    }

    fn optional(&mut self) -> Result<Option<u64>, String> {
        let some = self.flag()?;
        let value = self.number()?;
        Ok(some.then_some(value))
    }

    fn time(&mut self) -> Result<Duration, String> {
        let seconds = self.number()?;
        let nanos = self.number()?;
        match u32::try_from(nanos) {
            Ok(nanos) if nanos < 1_000_000_000 => Ok(Duration::new(seconds, nanos)),
            _ => Err(format!("a time has {nanos} nanoseconds")),
        }
    }

    fn bytes(&mut self) -> Result<&'a [u8], String> {
        let count = self.size()?;
        self.take(count)
    }

    fn path(&mut self) -> Result<PathBuf, String> {
        let bytes = self.bytes()?;
        #[cfg(unix)]
        {
            let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(bytes);
            Ok(PathBuf::from(name))
        }
        #[cfg(windows)]
        {
            let units: Vec<u16> =
                bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
            let name: std::ffi::OsString = std::os::windows::ffi::OsStringExt::from_wide(&units);
            Ok(PathBuf::from(name))
        }
    }

    fn extent(&mut self) -> Result<Extent, String> {
        Ok(Extent { bytes: self.number()?, digest: self.array()?.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let extent = |bytes: u64| Extent { bytes, digest: blake3::hash(&bytes.to_le_bytes()) };
        Record {
            stage: Stage::Verify,
            task: Task::Decompress(Limits {
                max_output: Some(7),
                max_memory: 1 << 33,
                threads: 2,
                ..Limits::default()
            }),
            source: "/a/ü".into(),
            target: "/b".into(),
            partial: "/b.partial".into(),
            overwrite: true,
            verify: false,
            keep_metadata: true,
            every: Duration::from_millis(1500),
            spent: Duration::from_secs(73 * 3600),
            told_bytes: 9,
            source_bytes: Some(1),
            source_ended: true,
            read: extent(2),
            written: extent(3),
            verified: extent(4),
            position: 5,
            member_offset: 6,
            members: 7,
            earlier_bytes: 8,
        }
    }

    #[test]
    fn a_record_comes_back_and_a_cut_one_is_refused() {
        let fields = record().to_bytes();
        assert_eq!(Record::from_bytes(&fields, None), Ok(record()));
        for cut in 0..fields.len() {
            assert!(Record::from_bytes(&fields[..cut], None).is_err());
        }
    }
}
