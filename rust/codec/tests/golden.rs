//! Archives of this format's generation that must keep decoding, and damaged ones that must keep
//! failing with the stated error.
//!
//! They lie in `tests/golden/` of the project, listed in two tables. After a change of the format
//! or the models, `FORETOLD_REGENERATE=1 cargo test -p foretold-codec --test golden` writes them
//! afresh; the difference is to be looked at before it is committed.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use common::{compress, decompress, flushed, go_on, noise, preset, small_blocks, text, weights};
use foretold_codec::{FittedNetwork, Knowledge, Limits, Options};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden")
}

fn regenerate() -> bool {
    std::env::var_os("FORETOLD_REGENERATE").is_some_and(|value| value == "1")
}

/// Names, archives and contents.
fn sound() -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let mut archives = Vec::new();
    for number in 1..=9 {
        let content = text(2_048);
        archives.push((
            format!("message-preset-{number}"),
            compress(&content, &Options::new(preset(number))),
            content,
        ));
    }
    let mut add = |name: &str, archive, content: Vec<u8>| archives.push((name.into(), archive, content));
    let one = Options::new(preset(1));
    let unchecked = Options { checksum: false, ..one.clone() };
    let run = vec![b'a'; 65_536];
    let blocks = [&run[..], &text(500)].concat();
    let parts = [text(300), noise(50), text(700)];
    add("empty", compress(b"", &one), Vec::new());
    add("stored-message", compress(&noise(100), &one), noise(100));
    add("unchecked-message", compress(&text(500), &unchecked), text(500));
    add("wide-message", compress(&run, &one), run.clone());
    add("flushed", flushed(&parts.each_ref().map(|part| &part[..]), &small_blocks()), parts.concat());
    add(
        "unchecked-flushed",
        flushed(&[&parts[0], &parts[2]], &Options { checksum: false, ..small_blocks() }),
        [&parts[0][..], &parts[2]].concat(),
    );
    add("two-blocks", compress(&blocks, &small_blocks()), blocks.clone());
    add("no-index", compress(&blocks, &Options { seek_index: false, ..small_blocks() }), blocks);
    let members = [text(10), Vec::new(), text(1_000)];
    add("members", members.iter().flat_map(|content| compress(content, &one)).collect(), members.concat());
    add("fitted", fitted(), text(300));
    for number in 3..=9 {
        // The longer ones bring a tree.
        let content = log(if matches!(number, 3 | 5) { 65_536 } else { 2_048 });
        add(&format!("log-preset-{number}"), compress(&content, &Options::new(preset(number))), content);
    }
    archives
}

/// Structured text: lines of numbers that count up.
fn log(len: usize) -> Vec<u8> {
    let lines = (0u32..).flat_map(|n| {
        format!("{{\"at\": {}, \"left\": {}.{:02}}}\n", 7_000 + 13 * n, n % 90, n * n % 100).into_bytes()
    });
    lines.take(len).collect()
}

/// With weights after its header of 98 bytes.
fn fitted() -> Vec<u8> {
    let network = FittedNetwork::from_safetensors(&weights(64, 7)).unwrap();
    let max = Options::new(preset(10));
    compress(&text(300), &Options { network: Some(Arc::new(network)), knowledge: Knowledge::None, ..max })
}

/// Writes the CRC-32C that ends the header in `start..end`.
fn sign(archive: &mut [u8], start: usize, end: usize) {
    let check = crc32c::crc32c(&archive[start..end - 4]);
    archive[end - 4..end].copy_from_slice(&check.to_le_bytes());
}

/// Names and archives; each name is the defect.
fn damaged() -> Vec<(&'static str, Vec<u8>)> {
    let message = compress(&text(400), &Options::new(preset(1)));
    // Header 22 bytes, block header 26, chunk header 11, payload, trailer 45.
    let member = flushed(&[&text(400)], &small_blocks());
    let trailer = member.len() - 45;
    let edit = |archive: &[u8], change: &dyn Fn(&mut Vec<u8>)| {
        let mut edited = archive.to_vec();
        change(&mut edited);
        edited
    };
    vec![
        ("empty-file", Vec::new()),
        ("wrong-magic", edit(&message, &|archive| archive[1] = 0)),
        ("other-generation", edit(&message, &|archive| archive[2] += 1)),
        ("unknown-preset", edit(&message, &|archive| archive[3] |= 15)),
        ("truncated-magic", message[..3].to_vec()),
        ("truncated-message", message[..message.len() - 1].to_vec()),
        ("truncated-member-header", member[..20].to_vec()),
        ("truncated-payload", member[..60].to_vec()),
        ("truncated-before-trailer", member[..trailer].to_vec()),
        ("truncated-trailer", member[..member.len() - 1].to_vec()),
        ("length-past-end", edit(&message, &|archive| archive[4..8].copy_from_slice(&[0x90, 2, 0x90, 2]))),
        ("wrong-content", edit(&message, &|archive| *archive.last_mut().unwrap() ^= 0x55)),
        ("wrong-content-check", edit(&message, &|archive| archive[8] ^= 1)),
        ("payload-longer-than-content", edit(&message, &|archive| archive[5] = 0)),
        ("garbage-after-member", [&message[..], b"and more"].concat()),
        ("wrong-member-header-check", edit(&member, &|archive| archive[10] ^= 1)),
        (
            "reserved-flags",
            edit(&member, &|archive| {
                archive[3] = 4;
                sign(archive, 0, 22);
            }),
        ),
        (
            "needs-prior",
            edit(&member, &|archive| {
                archive[3] = 2;
                archive[6..10].copy_from_slice(&100_000u32.to_le_bytes());
                archive.splice(18..18, [0xAB; 32]);
                sign(archive, 0, 54);
            }),
        ),
        (
            "too-little-memory-declared",
            edit(&member, &|archive| {
                archive[6..10].copy_from_slice(&[1, 0, 0, 0]);
                sign(archive, 0, 22);
            }),
        ),
        ("wrong-fitted-weights", edit(&fitted(), &|archive| archive[1_000] ^= 1)),
        ("truncated-fitted-weights", fitted()[..1_000].to_vec()),
        (
            "fitted-weights-past-limit",
            edit(&fitted(), &|archive| {
                archive[90..94].copy_from_slice(&[1, 0, 64, 0]);
                sign(archive, 0, 98);
            }),
        ),
        (
            "fitted-weights-of-unknown-size",
            edit(&fitted(), &|archive| {
                archive[98] = 4;
                let bytes = u32::from_le_bytes(archive[90..94].try_into().unwrap()) as usize;
                let digest = blake3::hash(&[&[0; 32], &archive[98..98 + bytes]].concat());
                archive[26..58].copy_from_slice(digest.as_bytes());
                sign(archive, 0, 98);
            }),
        ),
        ("wrong-block-header-check", edit(&member, &|archive| archive[30] ^= 1)),
        (
            "wrong-block-number",
            edit(&member, &|archive| {
                archive[22 + 14] = 1;
                sign(archive, 22, 48);
            }),
        ),
        (
            "wrong-content-offset",
            edit(&member, &|archive| {
                archive[22 + 6] = 1;
                sign(archive, 22, 48);
            }),
        ),
        (
            "other-preset-in-block",
            edit(&member, &|archive| {
                archive[22 + 4] = 2;
                sign(archive, 22, 48);
            }),
        ),
        ("unknown-method", edit(&member, &|archive| archive[48] = 15)),
        ("unknown-frame", edit(&member, &|archive| archive[48] = 0x80)),
        ("empty-chunk", edit(&member, &|archive| archive[49..52].fill(0))),
        ("empty-block", edit(&member, &|archive| drop(archive.drain(48..trailer)))),
        (
            "wrong-digest",
            edit(&member, &|archive| {
                archive[trailer + 30] ^= 1;
                sign(archive, trailer, trailer + 45);
            }),
        ),
        (
            "wrong-length-in-trailer",
            edit(&member, &|archive| {
                archive[trailer + 4] ^= 1;
                sign(archive, trailer, trailer + 45);
            }),
        ),
    ]
}

fn table(name: &str, heading: &str, rows: &[(String, String)]) {
    let mut table = format!("{heading}\n");
    for (file, value) in rows {
        writeln!(table, "{file}\t{value}").unwrap();
    }
    fs::write(folder().join(name), table).unwrap();
}

fn rows(name: &str) -> Vec<(String, String)> {
    let table = fs::read_to_string(folder().join(name)).unwrap();
    let split = |line: &str| line.split_once('\t').map(|(file, value)| (file.to_owned(), value.to_owned()));
    table.lines().skip(1).map(|line| split(line).expect("two columns")).collect()
}

#[test]
fn golden_archives_decode() {
    if regenerate() {
        fs::create_dir_all(folder()).unwrap();
        let mut rows = Vec::new();
        for (name, archive, content) in sound() {
            fs::write(folder().join(format!("{name}.ftd")), archive).unwrap();
            rows.push((format!("{name}.ftd"), format!("{}\t{}", content.len(), blake3::hash(&content))));
        }
        table("archives.tsv", "file\tcontent_bytes\tcontent_blake3", &rows);
    }
    let rows = rows("archives.tsv");
    assert!(!rows.is_empty());
    for (file, expected) in rows {
        let archive = fs::read(folder().join(&file)).unwrap();
        let content = decompress(&archive).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(format!("{}\t{}", content.len(), blake3::hash(&content)), expected, "{file}");
    }
}

#[test]
fn compression_still_writes_the_golden_archives() {
    if regenerate() {
        return;
    }
    for (name, archive, _) in sound() {
        let golden = fs::read(folder().join(format!("{name}.ftd"))).unwrap();
        assert!(archive == golden, "{name}.ftd is written differently now");
    }
}

#[test]
fn damaged_archives_fail_as_stated() {
    let limits = Limits::default();
    let error_of = |archive: &[u8]| match foretold_codec::decompress(archive, &limits, &mut go_on) {
        Ok(content) => panic!("decoded to {} bytes", content.len()),
        Err(error) => error.to_string(),
    };
    if regenerate() {
        fs::create_dir_all(folder().join("damaged")).unwrap();
        let mut rows = Vec::new();
        for (name, archive) in damaged() {
            fs::write(folder().join(format!("damaged/{name}.ftd")), &archive).unwrap();
            rows.push((format!("damaged/{name}.ftd"), error_of(&archive)));
        }
        table("damaged.tsv", "file\terror", &rows);
    }
    let rows = rows("damaged.tsv");
    assert_eq!(rows.len(), damaged().len());
    for (file, error) in rows {
        let archive = fs::read(folder().join(&file)).unwrap();
        assert_eq!(error_of(&archive), error, "{file}");
    }
}
