//! The streams that docs/FORMAT.md explains byte by byte are what this release writes.

mod common;

use std::path::Path;

use common::{compress, decompress, flushed, go_on, preset, small_blocks};
use foretold_codec::{Knowledge, Options, compress_raw, decompress_raw};

/// The bytes of the tables under `heading`: the first column of each row, in hexadecimal.
fn explained(heading: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/FORMAT.md");
    let text = std::fs::read_to_string(path).expect("docs/FORMAT.md is there");
    let section = text.split_once(heading).expect("the heading is there").1;
    let section = section.split("\n#").next().expect("a first part");
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let digits = cells.flat_map(str::split_whitespace);
    digits.map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits")).collect()
}

fn assert_explained(heading: &str, written: &[u8]) {
    let hex: Vec<_> = written.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(explained(heading) == written, "{heading} is to explain these bytes: {}", hex.join(" "));
}

#[test]
fn the_message_is_explained() {
    let archive = compress(b"hi", &Options::new(preset(1)));
    assert_explained("### A message", &archive);
    assert_eq!(decompress(&archive).unwrap(), b"hi");
}

#[test]
fn the_raw_message_is_explained() {
    let options = Options { knowledge: Knowledge::None, ..Options::new(preset(1)) };
    let raw = compress_raw(b"hihihihihihi", &options, &mut go_on).unwrap();
    assert_explained("### A raw message", &raw);
    assert_eq!(decompress_raw(&raw, 12, &options, &mut go_on).unwrap(), b"hihihihihihi");
}

#[test]
fn the_stream_is_explained() {
    let archive = flushed(&[b"hi"], &small_blocks());
    assert_explained("### A flushed stream", &archive);
    assert_eq!(decompress(&archive).unwrap(), b"hi");
}
