//! Tables that priors were expanded to, kept on disk: made once, mapped by every process.
//!
//! A file is written under another name and renamed when it is complete, so that several processes
//! may make the same one at once. It is never written to again; one that is removed while it is
//! mapped stays until the last process is done with it. What is found is checked, and whatever
//! goes wrong here only costs time: the table is then made anew, in memory.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use foretold_numerics::{SharedBytes, Table};

use super::base::SHARED_LOG2;
use crate::Error;

/// Where the table starts in a file: on a page.
const HEADER_BYTES: usize = 4096;
const MAGIC: &[u8; 8] = b"\xf7ftbase\n";
const SUFFIX: &str = "base";
/// Larger tables of slots are read, not mapped: models do not share them, but write to their own.
const LARGEST_MAPPED: usize = 1 << SHARED_LOG2;
/// Bytes of all files, unless `FORETOLD_CACHE_LIMIT` says otherwise.
const LIMIT: u64 = 1 << 31;

/// The folder; `None` if tables are not to be kept.
///
/// `FORETOLD_CACHE` names it, or is empty for none; else it is the system's place for such files.
pub fn folder() -> Option<PathBuf> {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match std::env::var_os("FORETOLD_CACHE") {
        Some(named) => (!named.is_empty()).then(|| named.into()),
        None if cfg!(windows) => of("LOCALAPPDATA").map(|data| data.join("foretold").join("cache")),
        None if cfg!(target_os = "macos") => of("HOME").map(|home| home.join("Library/Caches/foretold")),
        None => of("XDG_CACHE_HOME")
            .or_else(|| of("HOME").map(|home| home.join(".cache")))
            .map(|cache| cache.join("foretold")),
    }
}

/// Most bytes of all files together.
fn limit() -> u64 {
    std::env::var("FORETOLD_CACHE_LIMIT").ok().and_then(|limit| limit.parse().ok()).unwrap_or(LIMIT)
}

/// The table called `name`: from the folder, or else what `make` makes. `None` if that is nothing. Of a table of
/// slots `bytes` says how many it has; of anything else the file does. A table without a name is not kept.
pub fn table(
    name: Option<&str>,
    bytes: Option<usize>,
    make: impl FnOnce() -> Option<SharedBytes>,
) -> Option<SharedBytes> {
    match (folder(), name) {
        (Some(folder), Some(name)) => table_in(&folder, name, bytes, make),
        _ => make(),
    }
}

fn table_in(
    folder: &Path,
    name: &str,
    bytes: Option<usize>,
    make: impl FnOnce() -> Option<SharedBytes>,
) -> Option<SharedBytes> {
    let path = folder.join(format!("{name}.{SUFFIX}"));
    if let Ok(found) = open(&path, bytes) {
        return Some(found);
    }
    let made = make()?;
    if write(&path, &made).is_err() {
        return Some(made);
    }
    let _ = evict(folder, &path, limit());
    if !is_mapped(bytes) {
        return Some(made);
    }
    // The mapped one is shared with other processes, so the made one goes.
    Some(open(&path, bytes).unwrap_or(made))
}

/// Whether such a table is mapped.
fn is_mapped(bytes: Option<usize>) -> bool {
    bytes.is_none_or(|bytes| bytes <= LARGEST_MAPPED)
}

/// Maps or reads a file of ours, if it is whole.
fn open(path: &Path, bytes: Option<usize>) -> io::Result<SharedBytes> {
    let mut file = File::open(path)?;
    let mut header = [0; 12];
    file.read_exact(&mut header)?;
    let all = (file.metadata()?.len() as usize).saturating_sub(HEADER_BYTES);
    let len = bytes.unwrap_or(all);
    let table = if is_mapped(bytes) {
        SharedBytes::map(&file, HEADER_BYTES as u64, len)?
    } else {
        file.seek(SeekFrom::Start(HEADER_BYTES as u64))?;
        let mut table = Table::try_new(len).ok_or(io::ErrorKind::OutOfMemory)?;
        file.read_exact(&mut table)?;
        table.into()
    };
    if header[..8] != *MAGIC || crc32c::crc32c(&table).to_le_bytes() != header[8..] {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // Says when it was used last; that it cannot be said does no harm.
    let _ = file.set_modified(SystemTime::now());
    Ok(table)
}

/// Writes a file, which appears when it is complete.
fn write(path: &Path, table: &[u8]) -> io::Result<()> {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let partial = path.with_extension(format!("{}-{number}.partial", std::process::id()));
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&crc32c::crc32c(table).to_le_bytes());
    let written = (|| {
        let mut file = File::options().write(true).create_new(true).open(&partial)?;
        file.write_all(&header)?;
        file.write_all(table)?;
        file.sync_data()?;
        drop(file);
        fs::rename(&partial, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

/// A table that a prior was expanded to, kept for later.
#[derive(Clone, Debug)]
pub struct CachedTable {
    /// Its file.
    pub path: PathBuf,
    /// Length of the file.
    pub bytes: u64,
    /// When it was used last.
    pub used: SystemTime,
}

/// The tables that are kept.
#[derive(Clone, Debug)]
pub struct Cache {
    /// Where, if anywhere.
    pub folder: Option<PathBuf>,
    /// Most bytes of all together.
    pub limit: u64,
    /// Those used last at the end.
    pub tables: Vec<CachedTable>,
}

/// The tables that priors were expanded to and that are kept for later.
pub fn cached_tables() -> Result<Cache, Error> {
    let folder = folder();
    let tables = match &folder {
        Some(folder) => entries(folder).map_err(failed(folder))?,
        None => Vec::new(),
    };
    Ok(Cache { folder, limit: limit(), tables })
}

/// Removes them all, and returns how many bytes they had.
pub fn clear_cached_tables() -> Result<u64, Error> {
    folder().map_or(Ok(0), |folder| clear(&folder).map_err(failed(&folder)))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |error| Error::File { action: "use", path, error }
}

/// The folder's tables, those used last at the end, and what killed processes left of some.
fn entries(folder: &Path) -> io::Result<Vec<CachedTable>> {
    let mut entries = Vec::new();
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(entries),
        listed => listed?,
    };
    for file in listed {
        let path = file?.path();
        let ours = path.extension().is_some_and(|end| end == SUFFIX || end == "partial");
        // Another process may remove it meanwhile.
        if let (true, Ok(data)) = (ours, fs::metadata(&path)) {
            let used = data.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            entries.push(CachedTable { path, bytes: data.len(), used });
        }
    }
    entries.sort_by_key(|entry| entry.used);
    Ok(entries)
}

/// Removes the tables that were not used for longest until the rest has `limit` bytes at most, but
/// never `newest`; and what is left of tables that no one has finished for an hour.
fn evict(folder: &Path, newest: &Path, limit: u64) -> io::Result<()> {
    let entries = entries(folder)?;
    let mut total: u64 = entries.iter().map(|entry| entry.bytes).sum();
    for entry in entries {
        let finished = entry.path.extension().is_some_and(|end| end == SUFFIX);
        let old = entry.used.elapsed().is_ok_and(|age| age.as_secs() > 3600);
        if entry.path != newest && if finished { total > limit } else { old } {
            fs::remove_file(&entry.path)?;
            total -= entry.bytes;
        }
    }
    Ok(())
}

fn clear(folder: &Path) -> io::Result<u64> {
    let mut total = 0;
    for entry in entries(folder)? {
        fs::remove_file(&entry.path)?;
        total += entry.bytes;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(value: u8) -> Option<SharedBytes> {
        let mut table = Table::try_new(1 << 16)?;
        table.fill(value);
        Some(table.into())
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("foretold-cache-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_table_is_made_once() {
        let folder = folder("once");
        let first = table_in(&folder, "a", Some(1 << 16), || made(7)).unwrap();
        let second = table_in(&folder, "a", Some(1 << 16), || panic!("made already")).unwrap();
        assert!(first[..] == second[..] && second.iter().all(|&byte| byte == 7));
        assert!(table(None, Some(1 << 16), || made(8)).unwrap()[0] == 8, "no name, no cache");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_damaged_or_short_file_is_made_anew() {
        let folder = folder("damaged");
        let path = folder.join("a.base");
        table_in(&folder, "a", Some(1 << 16), || made(7)).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes[HEADER_BYTES + 100] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert_eq!(table_in(&folder, "a", Some(1 << 16), || made(9)).unwrap()[100], 9);
        fs::write(&path, &bytes[..5000]).unwrap();
        assert_eq!(table_in(&folder, "a", Some(1 << 16), || made(3)).unwrap()[100], 3);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_table_that_is_not_shared_is_read_to_be_written_to() {
        let folder = folder("read");
        let bytes = LARGEST_MAPPED + 1;
        let make = || {
            let mut table = Table::try_new(bytes)?;
            table[bytes - 1] = 7;
            Some(table.into())
        };
        let first = table_in(&folder, "a", Some(bytes), make).unwrap();
        let second = table_in(&folder, "a", Some(bytes), || panic!("made already")).unwrap();
        assert!(first[..] == second[..] && second[bytes - 1] == 7);
        assert!(second.into_table().is_some());
        let mapped = table_in(&folder, "a", None, || panic!("made already")).unwrap();
        assert!(mapped.is_mapped(), "what is no table of slots");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn tables_unused_for_longest_go_first_even_while_mapped() {
        let folder = folder("evict");
        let mapped = table_in(&folder, "a", Some(1 << 16), || made(1)).unwrap();
        table_in(&folder, "b", Some(1 << 16), || made(2)).unwrap();
        let day = std::time::Duration::from_secs(86_400);
        let old = |name: &str, days: u32| {
            let file = File::options().write(true).open(folder.join(name)).unwrap();
            file.set_modified(SystemTime::now() - days * day).unwrap();
        };
        old("a.base", 2);
        old("b.base", 1);
        fs::write(folder.join("x.1-1.partial"), b"left by a kill").unwrap();
        old("x.1-1.partial", 1);
        evict(&folder, &folder.join("b.base"), 100_000).unwrap();
        let left: Vec<_> = entries(&folder).unwrap().into_iter().map(|entry| entry.path).collect();
        assert_eq!(left, [folder.join("b.base")]);
        assert!(mapped.iter().all(|&byte| byte == 1));
        assert!(clear(&folder).unwrap() > 1 << 16);
        assert!(entries(&folder).unwrap().is_empty());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_written_does_no_harm() {
        let file = std::env::temp_dir().join(format!("foretold-cache-file-{}", std::process::id()));
        fs::write(&file, b"").unwrap();
        assert_eq!(table_in(&file.join("in"), "a", Some(1 << 16), || made(5)).unwrap()[0], 5);
        fs::remove_file(file).unwrap();
    }

    #[test]
    fn threads_that_make_the_same_table_agree() {
        let folder = folder("threads");
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| table_in(&folder, "a", Some(1 << 16), || made(6)).unwrap()[9]))
                .collect();
            assert!(all.into_iter().all(|one| one.join().unwrap() == 6));
        });
        assert_eq!(entries(&folder).unwrap().len(), 1);
        fs::remove_dir_all(folder).unwrap();
    }
}
