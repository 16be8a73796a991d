//! The streams that docs/FORMAT.md explains byte by byte are what this release writes.

mod common;

use std::path::Path;

use common::{compress, decompress, flushed, preset, small_blocks};
use foretold_codec::Options;

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

fn assert_explained(heading: &str, archive: &[u8]) {
    let hex: Vec<_> = archive.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(explained(heading) == archive, "{heading} is to explain these bytes: {}", hex.join(" "));
    assert_eq!(decompress(archive).unwrap(), b"hi");
}

#[test]
fn the_message_is_explained() {
    assert_explained("### A message", &compress(b"hi", &Options::new(preset(1))));
}

#[test]
fn the_stream_is_explained() {
    assert_explained("### A flushed stream", &flushed(&[b"hi"], &small_blocks()));
}
