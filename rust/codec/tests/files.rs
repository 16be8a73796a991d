//! Whole files: what may appear on the disk, and runs that are stopped and resumed.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use foretold_codec::{
    Error, FileOptions, Limits, Options, Preset, Priors, checkpoint_info, compress, compress_file,
    decompress_file, recover_file, resume, test_file,
};

/// A folder of the test's own, empty at first.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("files").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Text that compresses, of words drawn by a linear congruence.
fn text(bytes: usize, seed: u32) -> Vec<u8> {
    let words = ["the ", "of ", "model ", "predicts ", "every ", "bit ", "and ", "learns ", "from it.\n"];
    let mut out = Vec::new();
    let mut state = seed;
    while out.len() < bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        out.extend(words[(state >> 16) as usize % words.len()].bytes());
    }
    out.truncate(bytes);
    out
}

fn options() -> Options {
    Options { block_size: Some(64 << 10), ..Options::new(Preset::new(1).unwrap()) }
}

fn overwriting() -> FileOptions {
    FileOptions { overwrite: true, ..FileOptions::default() }
}

fn checkpointed(checkpoint: &Path) -> FileOptions {
    // A checkpoint at every occasion.
    FileOptions { checkpoint: Some((checkpoint.to_path_buf(), Duration::ZERO)), ..FileOptions::default() }
}

fn go(_: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// A tick that stops once it was told of so many bytes.
fn stop_after(bytes: usize) -> impl FnMut(usize) -> ControlFlow<()> {
    let mut left = bytes;
    move |done| {
        left = left.saturating_sub(done);
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[test]
fn a_file_comes_back_with_its_times() {
    let folder = folder("round_trip");
    let (source, archive, back) = (folder.join("a"), folder.join("a.ftd"), folder.join("b"));
    for content in [&b""[..], b"x", &text(200_000, 1)] {
        fs::write(&source, content).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        fs::File::options().write(true).open(&source).unwrap().set_modified(time).unwrap();
        let report = compress_file(&source, &archive, &options(), &overwriting(), &mut go).unwrap();
        assert_eq!(fs::read(&archive).unwrap(), compress(content, &options(), &mut go).unwrap());
        assert_eq!(report.content_bytes, content.len() as u64);
        assert_eq!(report.archive_bytes, fs::metadata(&archive).unwrap().len());
        let limits = Limits::default();
        let tested = test_file(&archive, &limits, &mut go).unwrap();
        assert_eq!(
            (tested.content_bytes, tested.archive_bytes),
            (report.content_bytes, report.archive_bytes)
        );
        let report = decompress_file(&archive, &back, &limits, &overwriting(), None, &mut go).unwrap();
        assert_eq!(fs::read(&back).unwrap(), content);
        assert_eq!(report.content_bytes, content.len() as u64);
        assert_eq!(report.archive_bytes, fs::metadata(&archive).unwrap().len());
        assert_eq!(fs::metadata(&back).unwrap().modified().unwrap(), time);
    }
    assert_eq!(names(&folder), ["a", "a.ftd", "b"]);
}

#[cfg(unix)]
#[test]
fn the_mode_is_carried_over_without_its_dangerous_bits() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let folder = folder("mode");
    let (source, checkpoint) = (folder.join("a"), folder.join("c"));
    fs::write(&source, "secret").unwrap();
    // Only the superuser can give files away.
    let given_away = chown(&source, Some(12_345), Some(54_321)).is_ok();
    for (mode, carried) in [(0o600, 0o600), (0o444, 0o444), (0o6755, 0o755)] {
        fs::set_permissions(&source, fs::Permissions::from_mode(mode)).unwrap();
        for (name, file_options) in
            [("plain", FileOptions::default()), ("checkpointed", checkpointed(&checkpoint))]
        {
            let target = folder.join(format!("{name}-{mode:o}"));
            compress_file(&source, &target, &options(), &file_options, &mut go).unwrap();
            let metadata = fs::metadata(&target).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o7777, carried);
            assert!(!given_away || (metadata.uid(), metadata.gid()) == (12_345, 54_321));
        }
    }
}

#[test]
fn an_existing_target_is_replaced_only_when_asked() {
    let folder = folder("exists");
    let (source, target) = (folder.join("a"), folder.join("a.ftd"));
    fs::write(&source, text(1000, 2)).unwrap();
    fs::write(&target, "precious").unwrap();
    let refused = compress_file(&source, &target, &options(), &FileOptions::default(), &mut go);
    assert!(matches!(refused, Err(Error::Exists(path)) if path == target));
    assert_eq!(fs::read(&target).unwrap(), b"precious");

    // A file that comes while the output is made is not replaced either.
    let late = folder.join("late.ftd");
    let mut create = |_: usize| {
        fs::write(&late, "late").unwrap();
        ControlFlow::Continue(())
    };
    let refused = compress_file(&source, &late, &options(), &FileOptions::default(), &mut create);
    assert!(matches!(refused, Err(Error::Exists(path)) if path == late));
    assert_eq!(fs::read(&late).unwrap(), b"late");

    compress_file(&source, &target, &options(), &overwriting(), &mut go).unwrap();
    test_file(&target, &Limits::default(), &mut go).unwrap();
    assert_eq!(names(&folder), ["a", "a.ftd", "late.ftd"]);
}

#[test]
fn only_distinct_regular_files_are_taken() {
    let folder = folder("regular");
    let source = folder.join("a");
    fs::write(&source, "content").unwrap();
    let try_with =
        |source: &Path, target: &Path| compress_file(source, target, &options(), &overwriting(), &mut go);
    assert!(matches!(try_with(&folder, &folder.join("b")), Err(Error::NotRegular(_))));
    assert!(matches!(try_with(&source, &folder), Err(Error::NotRegular(_))));
    assert!(matches!(try_with(&source, &source), Err(Error::SameFile(_))));
    assert!(matches!(try_with(&folder.join("none"), &folder.join("b")), Err(Error::File { .. })));
    assert!(matches!(try_with(&source, &folder.join("none/b")), Err(Error::File { .. })));
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        let (link, other) = (folder.join("link"), folder.join("other"));
        symlink(&source, &link).unwrap();
        assert!(matches!(try_with(&source, &link), Err(Error::SameFile(_))));
        assert!(matches!(try_with(&source, Path::new("/dev/null")), Err(Error::NotRegular(_))));
        // A link is followed, and stays.
        fs::write(&other, "old").unwrap();
        fs::remove_file(&link).unwrap();
        symlink(&other, &link).unwrap();
        try_with(&source, &link).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        test_file(&other, &Limits::default(), &mut go).unwrap();
        fs::remove_file(&link).unwrap();
        fs::remove_file(&other).unwrap();
    }
    assert_eq!(names(&folder), ["a"]);
    assert_eq!(fs::read(&source).unwrap(), b"content");
}

#[test]
fn what_stops_a_run_leaves_nothing() {
    let folder = folder("nothing_left");
    let (source, archive, target) = (folder.join("a"), folder.join("a.ftd"), folder.join("b"));
    let content = text(200_000, 3);
    fs::write(&source, &content).unwrap();
    let verifying = FileOptions { verify: true, ..FileOptions::default() };
    for bytes in [0, 1, 100_000, 300_000] {
        let stopped = compress_file(&source, &archive, &options(), &verifying, &mut stop_after(bytes));
        assert!(matches!(stopped, Err(Error::Interrupted)));
        assert_eq!(names(&folder), ["a"]);
    }
    compress_file(&source, &archive, &options(), &verifying, &mut go).unwrap();

    let mut damaged = fs::read(&archive).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&archive, &damaged).unwrap();
    fs::write(&target, "old").unwrap();
    let limits = Limits::default();
    let failed = decompress_file(&archive, &target, &limits, &overwriting(), None, &mut go);
    assert!(matches!(failed, Err(Error::Corrupt { .. })));
    assert!(test_file(&archive, &limits, &mut go).is_err());
    assert_eq!(names(&folder), ["a", "a.ftd", "b"]);
    assert_eq!(fs::read(&target).unwrap(), b"old");

    // The same with checkpoints, where what was decoded before the damage is kept.
    let checkpoint = folder.join("c");
    let other = folder.join("d");
    let failed = decompress_file(&archive, &other, &limits, &checkpointed(&checkpoint), None, &mut go);
    assert!(matches!(failed, Err(Error::Corrupt { .. })));
    assert!(matches!(resume(&checkpoint, &Priors::default(), &mut go), Err(Error::Corrupt { .. })));
    assert_eq!(names(&folder), ["a", "a.ftd", "b", "c", "d.partial"]);
    fs::remove_file(checkpoint).unwrap();
    fs::remove_file(folder.join("d.partial")).unwrap();

    let report = recover_file(&archive, &target, &limits, &overwriting(), &mut go).unwrap();
    assert!(!report.lost.is_empty());
    let recovered = fs::read(&target).unwrap();
    assert_eq!(recovered.len(), content.len());
    assert!(recovered[..64 << 10] == content[..64 << 10]);
    assert_eq!(names(&folder), ["a", "a.ftd", "b"]);
}

#[test]
fn a_range_is_what_it_says() {
    let folder = folder("range");
    let (archive, target) = (folder.join("a.ftd"), folder.join("b"));
    let content = text(200_000, 4);
    fs::write(&archive, compress(&content, &options(), &mut go).unwrap()).unwrap();
    let run = |range, limits: &Limits| {
        decompress_file(&archive, &target, limits, &overwriting(), Some(range), &mut go)
    };
    for range in [0..0, 0..1, 65_535..65_537, 100_000..u64::MAX, 200_000..200_000] {
        let wanted = &content[range.start as usize..range.end.min(200_000) as usize];
        let limits = Limits { max_output: Some(wanted.len() as u64), ..Limits::default() };
        let report = run(range, &limits).unwrap();
        assert_eq!(fs::read(&target).unwrap(), wanted);
        assert_eq!(report.content_bytes, wanted.len() as u64);
    }
    assert!(matches!(run(200_001..200_002, &Limits::default()), Err(Error::Parameter(_))));
    let limits = Limits { max_output: Some(9), ..Limits::default() };
    assert!(matches!(run(0..10, &limits), Err(Error::OutputLimit { allowed: 9 })));
}

#[test]
fn all_members_are_decoded_and_damage_is_placed_in_the_file() {
    let folder = folder("members");
    let (archive, target) = (folder.join("a.ftd"), folder.join("b"));
    let parts = [text(100_000, 5), Vec::new(), text(10, 6), text(70_000, 7)];
    let archives: Vec<Vec<u8>> =
        parts.iter().map(|part| compress(part, &options(), &mut go).unwrap()).collect();
    let mut whole = archives.concat();
    fs::write(&archive, &whole).unwrap();
    let run = |limits: &Limits| decompress_file(&archive, &target, limits, &overwriting(), None, &mut go);
    run(&Limits::default()).unwrap();
    assert!(fs::read(&target).unwrap() == parts.concat());
    let limits = Limits { max_output: Some(170_009), ..Limits::default() };
    assert!(matches!(run(&limits), Err(Error::OutputLimit { allowed: 170_009 })));

    let last = whole.len() - archives[3].len();
    whole[last + archives[3].len() / 2] ^= 4;
    fs::write(&archive, &whole).unwrap();
    let Err(Error::Corrupt { offset, member, .. }) = run(&Limits::default()) else {
        panic!("damage was not found")
    };
    assert_eq!(member, 3);
    assert!(offset >= last as u64);
    fs::write(&archive, &whole[..last - 1]).unwrap();
    assert!(matches!(run(&Limits::default()), Err(Error::Corrupt { member: 2, .. })));
}

/// Stops a checkpointed run again and again, each time after a little more work, until it is
/// complete. Returns how often.
fn stop_and_resume(
    checkpoint: &Path,
    partial: &Path,
    step: usize,
    begin: impl FnOnce(&mut dyn FnMut(usize) -> ControlFlow<()>) -> Result<(), Error>,
) -> usize {
    let mut reach = step;
    let mut result = begin(&mut stop_after(reach));
    let mut stops = 0;
    while let Err(error) = result {
        assert!(matches!(error, Error::Interrupted), "{error}");
        assert!(checkpoint.exists() && partial.exists());
        stops += 1;
        reach += step;
        result = resume(checkpoint, &Priors::default(), &mut stop_after(reach)).map(|_| ());
    }
    stops
}

#[test]
fn stopped_runs_end_with_the_same_bytes() {
    let folder = folder("resume");
    let (source, back, checkpoint) = (folder.join("a"), folder.join("b"), folder.join("checkpoint"));
    let (archive, partial) = (folder.join("a.ftd"), folder.join("a.ftd.partial"));
    // A block of several chunks, then small blocks.
    let contents = [text(2_200_000, 8), text(260_000, 9), Vec::new()];
    let mut members = Vec::new();
    for (content, block_size, threads, step) in [
        (&contents[0], None, 1, 800_000),
        (&contents[1], Some(64 << 10), 1, 70_000),
        (&contents[1], Some(64 << 10), 2, 150_000),
        (&contents[2], None, 1, 1),
    ] {
        let options = Options { block_size, threads, ..options() };
        let file_options = FileOptions { verify: threads == 2, ..checkpointed(&checkpoint) };
        fs::write(&source, content).unwrap();
        let stops = stop_and_resume(&checkpoint, &partial, step, |tick| {
            compress_file(&source, &archive, &options, &file_options, tick).map(|_| ())
        });
        assert!(stops >= content.len() / step / 2, "{stops} stops");
        assert!(fs::read(&archive).unwrap() == compress(content, &options, &mut go).unwrap());
        assert_eq!(names(&folder), ["a", "a.ftd"]);
        members.extend(fs::read(&archive).unwrap());
        fs::remove_file(&archive).unwrap();
    }

    fs::write(&archive, members).unwrap();
    let whole = [&contents[0][..], &contents[1], &contents[1]].concat();
    for threads in [1, 2] {
        let limits = Limits { threads, ..Limits::default() };
        let stops = stop_and_resume(&checkpoint, &folder.join("b.partial"), 600_000, |tick| {
            decompress_file(&archive, &back, &limits, &checkpointed(&checkpoint), None, tick).map(|_| ())
        });
        assert!(stops >= 3, "{stops} stops");
        assert!(fs::read(&back).unwrap() == whole);
        assert_eq!(names(&folder), ["a", "a.ftd", "b"]);
        fs::remove_file(&back).unwrap();
    }
}

/// A compression of 300,000 bytes that was stopped.
struct Stopped {
    folder: PathBuf,
    source: PathBuf,
    target: PathBuf,
    partial: PathBuf,
    checkpoint: PathBuf,
}

fn stopped(test: &str) -> Stopped {
    let folder = folder(test);
    let stopped = Stopped {
        source: folder.join("a"),
        target: folder.join("a.ftd"),
        partial: folder.join("a.ftd.partial"),
        checkpoint: folder.join("c"),
        folder,
    };
    let Stopped { source, target, checkpoint, .. } = &stopped;
    fs::write(source, text(300_000, 10)).unwrap();
    let result =
        compress_file(source, target, &options(), &checkpointed(checkpoint), &mut stop_after(200_000));
    assert!(matches!(result, Err(Error::Interrupted)));
    assert_eq!(names(&stopped.folder), ["a", "a.ftd.partial", "c"]);
    let info = checkpoint_info(checkpoint).unwrap();
    assert_eq!((&info.source, &info.target, info.compresses), (source, target, true));
    assert_eq!(info.total_bytes, Some(300_000));
    assert!((100_000..200_000).contains(&info.done_bytes), "{info:?}");
    stopped
}

impl Stopped {
    fn resume_to_the_right_bytes(&self) {
        let report = resume(&self.checkpoint, &Priors::default(), &mut go).unwrap();
        let archive = fs::read(&self.target).unwrap();
        assert!(archive == compress(&fs::read(&self.source).unwrap(), &options(), &mut go).unwrap());
        assert_eq!((report.content_bytes, report.archive_bytes), (300_000, archive.len() as u64));
        assert_eq!(names(&self.folder), ["a", "a.ftd"]);
    }
}

#[test]
fn output_beyond_the_checkpoint_is_cut_off() {
    let run = stopped("beyond");
    let mut output = fs::read(&run.partial).unwrap();
    output.extend(b"written before the kill and after the checkpoint");
    fs::write(&run.partial, output).unwrap();
    // So is a checkpoint that was not complete.
    let checkpoint = fs::read(&run.checkpoint).unwrap();
    fs::write(run.folder.join("c.next"), &checkpoint[..checkpoint.len() / 2]).unwrap();
    run.resume_to_the_right_bytes();
}

#[test]
fn resume_names_the_file_that_changed() {
    let run = stopped("changed");
    for (path, place) in [(&run.source, 1000), (&run.partial, 100)] {
        let good = fs::read(path).unwrap();
        let mut other = good.clone();
        other[place] ^= 1;
        for bad in [&other[..], &good[..good.len() / 4]] {
            fs::write(path, bad).unwrap();
            let Err(Error::Changed { path: named, .. }) =
                resume(&run.checkpoint, &Priors::default(), &mut go)
            else {
                panic!("{} was taken", path.display())
            };
            assert_eq!(&named, path);
        }
        fs::write(path, &good).unwrap();
    }
    fs::write(&run.target, "came meanwhile").unwrap();
    assert!(
        matches!(resume(&run.checkpoint, &Priors::default(), &mut go), Err(Error::Exists(path)) if path == run.target)
    );
    fs::remove_file(&run.target).unwrap();

    let away = run.folder.join("away");
    fs::rename(&run.partial, &away).unwrap();
    assert!(
        matches!(resume(&run.checkpoint, &Priors::default(), &mut go), Err(Error::File { path, .. }) if path == run.partial)
    );
    fs::rename(&away, &run.partial).unwrap();
    run.resume_to_the_right_bytes();
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let run = stopped("damaged_checkpoint");
    let good = fs::read(&run.checkpoint).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(&run.checkpoint, bytes).unwrap();
        matches!(resume(&run.checkpoint, &Priors::default(), &mut go), Err(Error::Checkpoint { .. }))
    };
    for place in [0, 8, 10, 13, 20, 100, good.len() / 2, good.len() - 33, good.len() - 1] {
        let mut bad = good.clone();
        bad[place] ^= 0x10;
        assert!(refused(&bad), "with byte {place} changed");
    }
    for length in [0, 13, 14, 45, 46, good.len() / 2, good.len() - 1] {
        assert!(refused(&good[..length]), "cut to {length} bytes");
    }
    fs::write(&run.checkpoint, &good).unwrap();
    run.resume_to_the_right_bytes();
}

#[test]
fn a_new_run_does_not_take_the_place_of_a_stopped_one() {
    let run = stopped("second_run");
    let again = |checkpoint: &Path, overwrite: bool| {
        let file_options = FileOptions { overwrite, ..checkpointed(checkpoint) };
        compress_file(&run.source, &run.target, &options(), &file_options, &mut go)
    };
    for overwrite in [false, true] {
        assert!(matches!(again(&run.checkpoint, overwrite), Err(Error::Checkpoint { .. })));
    }
    let other = run.folder.join("d");
    for overwrite in [false, true] {
        assert!(matches!(again(&other, overwrite), Err(Error::Exists(path)) if path == run.partial));
    }
    assert!(matches!(again(&run.target, true), Err(Error::Parameter(_))));
    assert_eq!(names(&run.folder), ["a", "a.ftd.partial", "c"]);

    // What a kill before the first checkpoint leaves is nobody's.
    fs::remove_file(&run.checkpoint).unwrap();
    fs::write(&run.partial, "").unwrap();
    // Somebody's file under the name that checkpoints grow under is not.
    fs::write(run.folder.join("d.next"), "precious").unwrap();
    assert!(matches!(again(&other, true), Err(Error::Exists(_))));
    fs::remove_file(run.folder.join("d.next")).unwrap();
    again(&other, false).unwrap();
    assert_eq!(names(&run.folder), ["a", "a.ftd"]);
}

#[test]
fn two_processes_do_not_write_one_output() {
    let run = stopped("busy");
    let held = fs::File::open(&run.partial).unwrap();
    held.lock().unwrap();
    assert!(
        matches!(resume(&run.checkpoint, &Priors::default(), &mut go), Err(Error::Busy(path)) if path == run.partial)
    );
    drop(held);
    run.resume_to_the_right_bytes();
}
