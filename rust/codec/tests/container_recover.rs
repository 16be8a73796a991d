//! What a damaged archive still holds is saved, in its place.

mod common;

use std::io::Cursor;

use common::{
    BLOCK_HEADER, CHUNK_HEADER, MEMBER_HEADER, compress, flushed, go_on, noise, small_blocks, text,
};
use foretold_codec::{Error, Limits, LostRange, Options, RecoveryReport, info};

const BLOCK: usize = 64 << 10;

fn recover(archive: &[u8]) -> (Vec<u8>, RecoveryReport) {
    let mut out = Vec::new();
    let report =
        foretold_codec::recover(Cursor::new(archive), &mut out, &Limits::default(), &mut go_on).unwrap();
    assert_eq!(report.bytes_written, out.len() as u64);
    (out, report)
}

/// `content` with zeros from `start` to `end`.
fn zeroed(content: &[u8], start: usize, end: usize) -> Vec<u8> {
    let mut zeroed = content.to_vec();
    zeroed[start..end].fill(0);
    zeroed
}

fn ranges(report: &RecoveryReport) -> Vec<(u64, Option<u64>)> {
    report.lost.iter().map(|LostRange { offset, length, .. }| (*offset, *length)).collect()
}

#[test]
fn intact_archives_lose_nothing() {
    let contents = [text(200_000), Vec::new(), noise(100), text(100)];
    let archive: Vec<u8> = contents.iter().flat_map(|content| compress(content, &small_blocks())).collect();
    let (out, report) = recover(&archive);
    assert!(out == contents.concat() && report.lost.is_empty());
}

#[test]
fn a_damaged_block_is_zeroed_whatever_else_is_damaged() {
    let content = text(5 * BLOCK / 2 + 7);
    for seek_index in [true, false] {
        let archive = compress(&content, &Options { seek_index, ..small_blocks() });
        let blocks = info(Cursor::new(&archive)).unwrap().members[0].blocks.clone();
        let end = archive.len();
        // The trailer's check, or the index or the trailer's start.
        let near_end = if seek_index { end - 50 } else { end - 40 };
        for also in [None, Some(8), Some(end - 1), Some(near_end)] {
            let mut damaged = archive.clone();
            damaged[blocks[1].offset as usize + 40] ^= 1;
            if let Some(at) = also {
                damaged[at] ^= 1;
            }
            let (out, report) = recover(&damaged);
            assert!(out == zeroed(&content, BLOCK, 2 * BLOCK), "also at {also:?}, index {seek_index}");
            assert_eq!(ranges(&report)[0], (BLOCK as u64, Some(BLOCK as u64)));
        }
    }
}

#[test]
fn chunks_before_the_damaged_one_are_kept() {
    let parts = [text(10_000), text(20_000), text(30_000), text(40_000)];
    let archive = flushed(&parts.each_ref().map(|part| &part[..]), &small_blocks());
    let content = parts.concat();
    // The third chunk's header follows the first two chunks.
    let mut damaged = archive.clone();
    let mut at = MEMBER_HEADER + BLOCK_HEADER;
    for _ in 0..2 {
        at += CHUNK_HEADER
            + u32::from_le_bytes([archive[at + 4], archive[at + 5], archive[at + 6], 0]) as usize;
    }
    damaged[at + 20] ^= 0x10;
    let (out, report) = recover(&damaged);
    assert!(out == zeroed(&content, 30_000, BLOCK));
    assert_eq!(ranges(&report), [(30_000, Some(BLOCK as u64 - 30_000))]);
}

#[test]
fn cut_archives_give_what_they_hold() {
    let content = text(3 * BLOCK);
    let archive = compress(&content, &small_blocks());
    let blocks = info(Cursor::new(&archive)).unwrap().members[0].blocks.clone();
    let (out, report) = recover(&archive[..blocks[2].offset as usize + 30]);
    assert!(out == content[..2 * BLOCK]);
    assert_eq!(ranges(&report), [(2 * BLOCK as u64, None)]);
    // Cut in front: everything is in its place.
    let (out, report) = recover(&archive[blocks[1].offset as usize - 10..]);
    assert!(out == zeroed(&content, 0, BLOCK));
    assert_eq!(ranges(&report), [(0, Some(BLOCK as u64))]);
    // The whole middle is missing.
    let holed = [&archive[..blocks[1].offset as usize + 30], &archive[blocks[2].offset as usize..]].concat();
    let (out, report) = recover(&holed);
    assert!(out == zeroed(&content, BLOCK, 2 * BLOCK));
    assert_eq!(ranges(&report), [(BLOCK as u64, Some(BLOCK as u64))]);
}

#[test]
fn damage_that_costs_no_content_is_told() {
    let content = text(2 * BLOCK);
    let mut archive = compress(&content, &small_blocks());
    let end = archive.len();
    archive[end - 50] ^= 1;
    let (out, report) = recover(&archive);
    assert!(out == content);
    assert_eq!(ranges(&report), [(2 * BLOCK as u64, Some(0))]);
}

#[test]
fn damaged_members_do_not_stop_the_others() {
    let contents = [text(100), text(2 * BLOCK), noise(300), text(5_000)];
    let archives = contents.each_ref().map(|content| compress(content, &small_blocks()));
    for victim in 0..4 {
        let mut damaged = archives.clone();
        let at = damaged[victim].len() / 3;
        damaged[victim][at] ^= 0x40;
        let (out, report) = recover(&damaged.concat());
        assert_eq!(report.lost.len(), 1, "{victim}: {report:?}");
        let start: usize = contents[..victim].iter().map(Vec::len).sum();
        assert_eq!(report.lost[0].offset, start as u64);
        // A message is damaged as a whole; of the long content a block is.
        let lost = if victim == 1 { BLOCK } else { contents[victim].len() };
        assert_eq!(report.lost[0].length, Some(lost as u64));
        assert!(out.starts_with(&contents[..victim].concat()));
        assert!(out.ends_with(&contents[victim + 1..].concat()));
    }
}

#[test]
fn archives_inside_a_stored_message_are_not_taken_for_the_outer_one() {
    let inner = compress(&noise(70_000), &small_blocks());
    let outer = compress(&inner, &Options::default());
    assert_eq!(info(Cursor::new(&outer)).unwrap().content_bytes, inner.len() as u64);
    let (out, report) = recover(&outer);
    assert!(out == inner && report.lost.is_empty());
    let mut damaged = outer.clone();
    damaged[100] ^= 1;
    let (out, report) = recover(&damaged);
    assert!(out == vec![0; inner.len()]);
    assert_eq!(ranges(&report), [(0, Some(inner.len() as u64))]);
}

#[test]
fn every_flipped_bit_leaves_the_rest_in_place() {
    let content = [text(BLOCK), noise(80), text(300)].concat();
    let archive =
        [compress(&content[..300], &small_blocks()), flushed(&[&content], &small_blocks())].concat();
    let whole = [&content[..300], &content].concat();
    // The first block decodes slowly, and its payload is all alike.
    let headers = archive.len().min(200);
    let end = archive.len() - 500;
    for at in
        (0..headers).step_by(3).chain((headers..end).step_by(499)).chain((end..archive.len()).step_by(5))
    {
        let mut damaged = archive.clone();
        damaged[at] ^= 1 << (at % 8);
        let (out, report) = recover(&damaged);
        if report.lost.iter().any(|range| range.length.is_none()) {
            continue;
        }
        assert_eq!(out.len(), whole.len(), "byte {at}: {report:?}");
        for (place, (found, expected)) in out.iter().zip(&whole).enumerate() {
            let lost = report
                .lost
                .iter()
                .any(|range| (range.offset..range.offset + range.length.unwrap()).contains(&(place as u64)));
            assert!(found == expected || lost && *found == 0, "byte {at}, content {place}: {report:?}");
        }
    }
}

#[test]
fn limits_hold_for_recovery() {
    let archive = compress(&text(200_000), &small_blocks());
    let limits = Limits { max_output: Some(100_000), ..Limits::default() };
    let result = foretold_codec::recover(Cursor::new(&archive), &mut Vec::new(), &limits, &mut go_on);
    assert!(matches!(result, Err(Error::OutputLimit { allowed: 100_000 })));
    let limits = Limits { max_memory: 1_000, ..Limits::default() };
    let result = foretold_codec::recover(Cursor::new(&archive), &mut Vec::new(), &limits, &mut go_on);
    assert!(matches!(result, Err(Error::Memory { .. })));
}
