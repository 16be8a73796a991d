//! Saved streams continue with the same bytes.

mod common;

use common::{Random, compress, decompress, go_on, gzip, noise, preset, small_blocks, text};
use foretold_codec::{Compressor, Decompressor, Error, Limits, Options};

fn reload(compressor: &mut Compressor) -> Compressor {
    let mut state = Vec::new();
    compressor.save(&mut state).unwrap();
    let mut from = &state[..];
    let loaded = Compressor::load(&mut from, None).unwrap();
    assert!(from.is_empty());
    loaded
}

fn reload_decompressor(decompressor: &mut Decompressor, limits: &Limits) -> Decompressor {
    let mut state = Vec::new();
    decompressor.save(&mut state).unwrap();
    let mut from = &state[..];
    let loaded = Decompressor::load(&mut from, limits.clone()).unwrap();
    assert!(from.is_empty());
    loaded
}

#[test]
fn compressors_continue_after_every_step() {
    let content = [text(100_000), noise(40_000), text(60_000)].concat();
    let several = |threads| Options { threads, ..small_blocks() };
    // Less than a megabyte in chunks of several kinds: not compact, at no step.
    let one = Options { block_size: None, ..small_blocks() };
    for options in [several(1), several(2), one] {
        let mut compressor = Compressor::new(options.clone()).unwrap();
        let (mut archive, mut rest) = (Vec::new(), &content[..]);
        while !compressor.is_finished() {
            compressor = reload(&mut compressor);
            if rest.is_empty() {
                compressor.step(&mut archive, &mut go_on).unwrap();
                continue;
            }
            let fed = compressor.feed(&rest[..rest.len().min(50_000)]).unwrap();
            rest = &rest[fed..];
            if fed == 0 {
                compressor.step(&mut archive, &mut go_on).unwrap();
            }
            if rest.is_empty() {
                compressor.close().unwrap();
            }
        }
        assert!(archive == compress(&content, &options), "{options:?}");
        assert!(decompress(&archive).unwrap() == content, "{options:?}");
    }
}

#[test]
fn streams_that_go_on_are_part_of_the_state() {
    let held = text(2_300_000);
    let content = [gzip(&held), noise(5_000), gzip(&held[..30_000]), text(3_000)].concat();
    assert!(content.len() < held.len() * 2 / 3);
    let options = Options::new(preset(1));
    let mut compressor = Compressor::new(options.clone()).unwrap();
    compressor.feed(&content).unwrap();
    compressor.close().unwrap();
    let mut archive = Vec::new();
    let mut steps = 0;
    while compressor.step(&mut archive, &mut go_on).unwrap() {
        compressor = reload(&mut compressor);
        steps += 1;
    }
    assert!(steps >= 3, "{steps} steps");
    assert!(archive == compress(&content, &options));
    let mut decompressor = Decompressor::new(Limits::default()).unwrap();
    let (mut out, mut rest) = (Vec::new(), &archive[..]);
    while !decompressor.eof() {
        decompressor = reload_decompressor(&mut decompressor, &Limits::default());
        let fed = decompressor.feed(&rest[..rest.len().min(70_000)]).unwrap();
        rest = &rest[fed..];
        decompressor.step(&mut out, Some(100_000), &mut go_on).unwrap();
    }
    assert!(out == content);
    // What it holds is coded, not the stream.
    assert!(archive.len() < compress(&held, &options).len() * 5 / 4 + 6_000, "{}", archive.len());
}

#[test]
fn a_copy_goes_its_own_way() {
    let (start, one, other) = (text(70_000), text(5_000), noise(5_000));
    let mut first = Compressor::new(small_blocks()).unwrap();
    let mut archive = Vec::new();
    first.push(&start, &mut archive, &mut go_on).unwrap();
    let mut copy = reload(&mut first);
    let mut copied = archive.clone();
    first.push(&one, &mut archive, &mut go_on).unwrap();
    first.finish(&mut archive, &mut go_on).unwrap();
    copy.push(&other, &mut copied, &mut go_on).unwrap();
    copy.finish(&mut copied, &mut go_on).unwrap();
    assert!(archive == compress(&[start.clone(), one].concat(), &small_blocks()));
    assert!(copied == compress(&[start, other].concat(), &small_blocks()));
}

#[test]
fn decompressors_continue_after_every_step() {
    let content = [text(100_000), noise(40_000), text(60_000)].concat();
    let mut archive = compress(&content, &small_blocks());
    archive.extend(b"what follows");
    for threads in [1, 2] {
        let limits = Limits { threads, ..Limits::default() };
        let mut decompressor = Decompressor::new(limits.clone()).unwrap();
        let (mut out, mut rest) = (Vec::new(), &archive[..]);
        let mut random = Random::new(3);
        while !decompressor.eof() {
            decompressor = reload_decompressor(&mut decompressor, &limits);
            let fed = decompressor.feed(&rest[..rest.len().min(random.below(9_000))]).unwrap();
            rest = &rest[fed..];
            decompressor = reload_decompressor(&mut decompressor, &limits);
            decompressor.step(&mut out, Some(30_000), &mut go_on).unwrap();
        }
        assert!(out == content && rest == b"what follows", "{threads} threads");
    }
}

#[test]
fn decompressors_continue_between_pushes() {
    let content = text(200_000);
    let archive = compress(&content, &small_blocks());
    let mut decompressor = Decompressor::new(Limits::default()).unwrap();
    let mut out = Vec::new();
    for piece in archive.chunks(4_000) {
        decompressor.push(piece, &mut out, Some(1_000), &mut go_on).unwrap();
        decompressor = reload_decompressor(&mut decompressor, &Limits::default());
    }
    while !decompressor.eof() {
        decompressor.push(&[], &mut out, Some(100_000), &mut go_on).unwrap();
    }
    assert!(out == content);
}

#[test]
fn flushes_are_part_of_the_state() {
    let content = text(90_000);
    let mut plain = Compressor::new(small_blocks()).unwrap();
    let mut saved = Compressor::new(small_blocks()).unwrap();
    let (mut expected, mut archive) = (Vec::new(), Vec::new());
    for part in content.chunks(20_000) {
        plain.push(part, &mut expected, &mut go_on).unwrap();
        plain.flush(&mut expected, &mut go_on).unwrap();
        saved.push(part, &mut archive, &mut go_on).unwrap();
        saved = reload(&mut saved);
        saved.flush(&mut archive, &mut go_on).unwrap();
        saved = reload(&mut saved);
    }
    plain.finish(&mut expected, &mut go_on).unwrap();
    saved.finish(&mut archive, &mut go_on).unwrap();
    assert!(archive == expected);
}

#[test]
fn damaged_states_are_refused() {
    let mut compressor = Compressor::new(small_blocks()).unwrap();
    let mut archive = Vec::new();
    compressor.push(&text(100_000), &mut archive, &mut go_on).unwrap();
    compressor.flush(&mut archive, &mut go_on).unwrap();
    let mut state = Vec::new();
    compressor.save(&mut state).unwrap();
    for length in [0, 1, 40, 70, 100, 200, state.len() / 2, state.len() - 1] {
        match Compressor::load(&mut &state[..length], None) {
            Err(Error::State(_) | Error::Io(_)) => {}
            other => panic!("{length}: {:?}", other.err()),
        }
    }
    for at in 0..state.len().min(200) {
        let mut damaged = state.clone();
        damaged[at] ^= 0x81;
        let _ = Compressor::load(&mut &damaged[..], None);
    }
    match Decompressor::load(&mut &state[..], Limits::default()) {
        Err(Error::State(message)) => assert!(message.contains("compressor"), "{message}"),
        other => panic!("{:?}", other.err()),
    }
}
