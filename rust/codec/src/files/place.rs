//! Sources, partial output, and how the output gets its final name.

use std::ffi::OsString;
use std::fs::{self, File, FileTimes, Metadata, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::checkpoint::Extent;
use crate::{Error, Tick};

/// `error` as one about the file at `path`; `action` completes "cannot ...".
pub fn file_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |error| Error::File { action, path, error }
}

/// A regular file to read, and what it was like when it was opened.
pub struct Source {
    pub file: File,
    pub path: PathBuf,
    pub metadata: Metadata,
}

impl Source {
    /// Opens the regular file at `path`; symbolic links are followed.
    pub fn open(path: &Path) -> Result<Source, Error> {
        // Asked before opening: to open a pipe would wait for its writer.
        let metadata = fs::metadata(path).map_err(file_error("open", path))?;
        if !metadata.is_file() {
            return Err(Error::NotRegular(path.to_path_buf()));
        }
        let file = File::open(path).map_err(file_error("open", path))?;
        let metadata = file.metadata().map_err(file_error("open", path))?;
        if !metadata.is_file() {
            return Err(Error::NotRegular(path.to_path_buf()));
        }
        Ok(Source { file, path: path.to_path_buf(), metadata })
    }

    /// Goes to a position from the start.
    pub fn seek(&mut self, position: u64) -> Result<(), Error> {
        self.file.seek(SeekFrom::Start(position)).map_err(file_error("read", &self.path))?;
        Ok(())
    }
}

/// Reads until `buffer` is full or the file ends, and says how much that was.
pub fn fill(file: &mut File, path: &Path, buffer: &mut [u8]) -> Result<usize, Error> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(file_error("read", path)(error)),
        }
    }
    Ok(filled)
}

/// Where output will be placed: symbolic links are followed, and what stands there already, if
/// anything, is a regular file that may be replaced.
pub fn target_path(target: &Path, overwrite: bool, source: &Source) -> Result<PathBuf, Error> {
    let absolute = std::path::absolute(target).map_err(file_error("create", target))?;
    let link = match fs::symlink_metadata(&absolute) {
        Ok(metadata) => metadata.is_symlink(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(absolute),
        Err(error) => return Err(file_error("create", target)(error)),
    };
    // A link that leads nowhere is an error here: there is no file to stand beside.
    let resolved =
        if link { fs::canonicalize(&absolute).map_err(file_error("create", target))? } else { absolute };
    let metadata = fs::metadata(&resolved).map_err(file_error("create", target))?;
    if !metadata.is_file() {
        return Err(Error::NotRegular(target.to_path_buf()));
    }
    if same_file((&source.path, &source.metadata), (&resolved, &metadata)) {
        return Err(Error::SameFile(target.to_path_buf()));
    }
    if !overwrite {
        return Err(Error::Exists(target.to_path_buf()));
    }
    Ok(resolved)
}

/// Whether two paths lead to one file.
#[cfg(unix)]
pub fn same_file(a: (&Path, &Metadata), b: (&Path, &Metadata)) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.1.dev(), a.1.ino()) == (b.1.dev(), b.1.ino())
}

/// Whether two paths lead to one file.
#[cfg(not(unix))]
pub fn same_file(a: (&Path, &Metadata), b: (&Path, &Metadata)) -> bool {
    matches!((fs::canonicalize(a.0), fs::canonicalize(b.0)), (Ok(a), Ok(b)) if a == b)
}

/// `path` with `suffix` after its name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// The name that the partial output of a checkpointed run has.
pub fn partial_path(target: &Path) -> PathBuf {
    with_suffix(target, ".partial")
}

/// Output that is not complete. It is removed when dropped, unless it was published or is kept.
pub struct Partial {
    pub file: File,
    pub path: PathBuf,
    /// What errors call it: a name that the user knows.
    pub name: PathBuf,
    /// Stay where it is when dropped: a checkpoint refers to it.
    pub keep: bool,
}

impl Partial {
    /// A new file beside `target` under a name nobody can know before. With `private`, only its
    /// owner can read it until [`carry_metadata`](Self::carry_metadata).
    pub fn temporary(target: &Path, private: bool) -> Result<Partial, Error> {
        let stem = target.file_name().unwrap_or_default().to_string_lossy();
        // Names of more than 255 bytes are refused by most file systems.
        let stem = &stem[..stem.floor_char_boundary(200)];
        loop {
            // The standard library's hashers are keyed at random.
            let random = RandomState::new().hash_one(target);
            let path = target.with_file_name(format!(".{stem}.{random:016x}.partial"));
            match create_new(&path, private) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(file_error("create", target)(error)),
                Ok(file) => return Ok(Partial { file, path, name: target.to_path_buf(), keep: false }),
            }
        }
    }

    /// A new file with the name that a checkpoint for `target` records, locked for this process.
    ///
    /// An empty file there was left by a run killed before its first checkpoint, and is replaced
    /// if that run is really over.
    pub fn recorded(target: &Path, private: bool) -> Result<Partial, Error> {
        let path = partial_path(target);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(file_error("create", &path)(error)),
            Ok(metadata) if !metadata.is_file() => return Err(Error::NotRegular(path)),
            Ok(metadata) if metadata.len() > 0 => return Err(Error::Exists(path)),
            Ok(_) => {
                let old = OpenOptions::new().write(true).open(&path).map_err(file_error("open", &path))?;
                lock(&old, &path)?;
                fs::remove_file(&path).map_err(file_error("replace", &path))?;
            }
        }
        let file = create_new(&path, private).map_err(file_error("create", &path))?;
        lock(&file, &path)?;
        sync_folder(&path);
        Ok(Partial { file, name: path.clone(), path, keep: false })
    }

    /// The partial output of a run that was stopped, locked for this process. Complete output is
    /// not opened for writing: it may have got its final mode already.
    pub fn reopen(path: &Path, complete: bool) -> Result<Partial, Error> {
        let metadata = fs::symlink_metadata(path).map_err(file_error("open", path))?;
        if !metadata.is_file() {
            return Err(Error::NotRegular(path.to_path_buf()));
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(!complete).open(path).map_err(file_error("open", path))?;
        lock(&file, path)?;
        Ok(Partial { file, name: path.to_path_buf(), path: path.to_path_buf(), keep: true })
    }

    /// Gives the output the source's owner where that is permitted, its permissions and its times.
    ///
    /// Never more permissions than the source had: set-user-id and the like are left out, and
    /// where the group cannot be carried over, our group gets no more than everybody.
    pub fn carry_metadata(&self, metadata: &Metadata) -> Result<(), Error> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
            let ours = self.file.metadata().map_err(file_error("write", &self.name))?;
            let mut mode = metadata.mode() & 0o777;
            if ours.uid() != metadata.uid() {
                // Only the superuser may; anybody else keeps the output as its own.
                let _ = fchown(&self.file, Some(metadata.uid()), None);
            }
            if ours.gid() != metadata.gid() && fchown(&self.file, None, Some(metadata.gid())).is_err() {
                mode &= !0o070 | (mode & 0o007) << 3;
            }
            let permissions = fs::Permissions::from_mode(mode);
            self.file.set_permissions(permissions).map_err(file_error("set the mode of", &self.name))?;
        }
        let mut times = FileTimes::new();
        if let Ok(modified) = metadata.modified() {
            times = times.set_modified(modified);
        }
        if let Ok(accessed) = metadata.accessed() {
            times = times.set_accessed(accessed);
        }
        self.file.set_times(times).map_err(file_error("set the times of", &self.name))
    }

    /// Waits until what was written is on the disk.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_all().map_err(file_error("write", &self.name))
    }

    /// Gives the complete output its final name. The caller has called [`sync`](Self::sync).
    pub fn publish(mut self, target: &Path, overwrite: bool) -> Result<(), Error> {
        self.rename(target, overwrite)?;
        self.keep = true;
        sync_folder(target);
        Ok(())
    }

    fn rename(&self, target: &Path, overwrite: bool) -> Result<(), Error> {
        if !overwrite {
            // A second name, unlike a rename, never replaces a file that came meanwhile.
            match fs::hard_link(&self.path, target) {
                Ok(()) => {
                    return fs::remove_file(&self.path).map_err(file_error("remove", &self.path));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(Error::Exists(target.to_path_buf()));
                }
                // Some file systems have no second names.
                Err(_) if fs::symlink_metadata(target).is_ok() => {
                    return Err(Error::Exists(target.to_path_buf()));
                }
                Err(_) => {}
            }
        }
        fs::rename(&self.path, target).map_err(file_error("replace", target))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.keep {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Creates a file that did not exist; with `private`, only its owner can read it.
pub fn create_new(path: &Path, private: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    if private {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    // A new file has its folder's permissions.
    let _ = private;
    options.open(path)
}

/// Writes to a file for a coder, and keeps what the system said when that failed: it is clearer
/// than what the coder makes of it.
pub struct NotingWriter<'a> {
    pub file: &'a mut File,
    pub failure: Option<io::Error>,
}

impl Write for NotingWriter<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.file.write(data).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failure = Some(match error.raw_os_error() {
                    Some(code) => io::Error::from_raw_os_error(code),
                    None => error.kind().into(),
                });
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Takes the file for this process; the lock ends with the process. File systems without locks
/// go without.
fn lock(file: &File, path: &Path) -> Result<(), Error> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::Busy(path.to_path_buf())),
        _ => Ok(()),
    }
}

/// Makes the names in the folder of `path` last through a power cut, where the system can.
pub fn sync_folder(path: &Path) {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// The beginning of a file or of a content, being hashed.
pub struct Digested {
    pub hasher: blake3::Hasher,
    pub bytes: u64,
}

impl Digested {
    pub fn new() -> Digested {
        Digested { hasher: blake3::Hasher::new(), bytes: 0 }
    }

    pub fn update(&mut self, data: &[u8]) {
        self.hasher.update(data);
        self.bytes += data.len() as u64;
    }

    /// Hashes what of `data`, which stands `at` that many bytes from the start, is new.
    pub fn update_at(&mut self, at: u64, data: &[u8]) {
        let known = (self.bytes - at).min(data.len() as u64) as usize;
        self.update(&data[known..]);
    }

    pub fn extent(&self) -> Extent {
        Extent { bytes: self.bytes, digest: self.hasher.finalize() }
    }
}

/// Hashes the first `bytes` of `file`, or what there is of them; the file is left standing after.
pub fn digest_of_start(file: &mut File, path: &Path, bytes: u64, tick: Tick<'_>) -> Result<Digested, Error> {
    let mut digested = Digested::new();
    let mut buffer = vec![0; 1 << 20];
    file.rewind().map_err(file_error("read", path))?;
    while digested.bytes < bytes {
        let wanted = (bytes - digested.bytes).min(buffer.len() as u64) as usize;
        let got = fill(file, path, &mut buffer[..wanted])?;
        digested.update(&buffer[..got]);
        if tick(0) == ControlFlow::Break(()) {
            return Err(Error::Interrupted);
        }
        if got < wanted {
            break;
        }
    }
    Ok(digested)
}
