//! What the fuzz targets do with arbitrary bytes. A panic, a hang or memory beyond the limits is a
//! bug.
#![allow(dead_code)]

use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::Arc;

use foretold_codec::knowledge::PriorContent;
use foretold_codec::knowledge::ngrams::PackedNgrams;
use foretold_codec::{
    ChunkCoder, Compressor, Decompressor, Error, FittedNetwork, Knowledge, Limits, ModelPlan, Options,
    Preset, Prior, Priors, SeekableReader, Transform, compress, compress_raw, decompress, decompress_raw,
    info, recover,
};

fn go_on(_: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn limits(threads: usize) -> Limits {
    Limits { max_output: Some(1 << 20), max_memory: 64 << 20, threads, ..Limits::default() }
}

/// What a stream gives for `archive`'s first member, fed `piece` bytes at a time.
fn stream(archive: &[u8], piece: usize) -> Result<(Vec<u8>, usize), Error> {
    let mut decompressor = Decompressor::new(limits(1))?;
    let mut content = Vec::new();
    for data in archive.chunks(piece) {
        decompressor.push(data, &mut content, Some(piece * 100), &mut go_on)?;
    }
    while !decompressor.eof() {
        let before = content.len();
        decompressor.push(&[], &mut content, Some(5_000), &mut go_on)?;
        if content.len() == before && !decompressor.eof() {
            decompressor.end_of_input()?;
        }
    }
    Ok((content, decompressor.unused_data().len()))
}

/// Every reader takes `archive`, and those that succeed agree.
pub fn decode_anything(archive: &[u8]) {
    let piece = archive.last().map_or(1, |&last| usize::from(last) + 1);
    let whole = decompress(archive, &limits(1), &mut go_on);
    let parallel = decompress(archive, &limits(2), &mut go_on);
    let first = stream(archive, piece);
    let headers = info(Cursor::new(archive));
    let mut part = [0; 100];
    let read = SeekableReader::new(Cursor::new(archive), limits(1))
        .and_then(|mut reader| reader.read_at(piece as u64, &mut part, &mut go_on));
    let mut saved = Vec::new();
    let report = recover(Cursor::new(archive), &mut saved, &limits(1), &mut go_on);
    match (&whole, &parallel) {
        (Ok(one), Ok(two)) => assert!(one == two, "threads change the content"),
        (Err(one), Err(two)) => assert_eq!(one.to_string(), two.to_string()),
        (one, two) => panic!("threads matter: {:?}, {:?}", one.is_ok(), two.is_ok()),
    }
    if let Ok(content) = whole {
        let (start, unused) = first.expect("a stream reads what is sound");
        assert!(content.starts_with(&start) && (unused > 0 || start == content));
        let headers = headers.expect("the headers are sound");
        assert_eq!(headers.content_bytes, content.len() as u64);
        let rest = content.get(piece..).unwrap_or_default();
        let read = read.expect("any part of it can be read");
        assert!(read == rest.len().min(part.len()) && part[..read] == rest[..read]);
        assert!(report.expect("nothing is in the way").lost.is_empty() && saved == content);
    }
}

/// Packed weights that are noise but for their size are a network, or an error.
pub fn packed_weights(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let head = [1, 1 + first % 2, if first & 4 == 0 { 4 } else { 8 }];
    for packed in [data.to_vec(), [&head, rest].concat()] {
        if let Ok(network) = FittedNetwork::unpack(packed.clone()) {
            assert!(network.packed() == packed);
        }
    }
}

/// Options taken from the first bytes, and the rest.
fn options(data: &[u8]) -> (Options, &[u8]) {
    let (&[preset, flags], rest) = data.split_first_chunk().unwrap_or((&[0; 2], &[]));
    let options = Options {
        preset: Preset::new(preset % 3 + 1).expect("1 to 3"),
        threads: usize::from(flags & 1) + 1,
        checksum: flags & 2 == 0,
        // Small blocks have small tables, so that an input takes no time.
        block_size: Some(if flags & 4 == 0 { 64 << 10 } else { 100_000 }),
        seek_index: flags & 8 == 0,
        transform: [Transform::Words, Transform::None, Transform::Auto][usize::from(flags >> 4) % 3],
        knowledge: if flags & 8 == 0 { Knowledge::Auto } else { Knowledge::None },
        network: None,
    };
    (options, rest)
}

/// The archive of `content` as a stream writes it, cut into pieces and flushed where their
/// lengths are multiples of eight.
fn flushed(content: &[u8], piece: usize, options: &Options) -> Vec<u8> {
    let mut compressor = Compressor::new(options.clone()).expect("good options");
    let mut archive = Vec::new();
    for data in content.chunks(piece) {
        compressor.push(data, &mut archive, &mut go_on).expect("nothing stops it");
        if data.len() % 8 == 0 {
            compressor.flush(&mut archive, &mut go_on).expect("nothing stops it");
        }
    }
    compressor.finish(&mut archive, &mut go_on).expect("nothing stops it");
    archive
}

/// Content comes back, whatever it is and however it is cut.
pub fn round_trip(data: &[u8]) {
    let (options, content) = options(data);
    let piece = content.first().map_or(1, |&first| usize::from(first) * 9 + 1);
    let archive = compress(content, &options, &mut go_on).expect("nothing stops it");
    assert!(archive.len() <= content.len() + if content.len() < 1 << 16 { 12 } else { 100 });
    for archive in [archive, flushed(content, piece, &options)] {
        let decoded = decompress(&archive, &limits(2), &mut go_on).expect("what was written is sound");
        assert!(decoded == content);
    }
}

/// A raw message may be anything: it has the content that is compressed to it, or is an error. A content
/// comes back.
pub fn raw(data: &[u8]) {
    let (&[low, high], rest) = data.split_first_chunk().unwrap_or((&[0; 2], &[]));
    let (options, rest) = options(rest);
    let options = Options { block_size: None, ..options };
    let content_bytes = usize::from(u16::from_le_bytes([low, high])) % 2048;
    if let Ok(content) = decompress_raw(rest, content_bytes, &options, &mut go_on) {
        assert_eq!(content.len(), content_bytes);
    }
    let message = &rest[..rest.len().min(4096)];
    let raw = compress_raw(message, &options, &mut go_on).expect("nothing stops it");
    assert!(raw.len() <= message.len() + 4);
    let decoded =
        decompress_raw(&raw, message.len(), &options, &mut go_on).expect("what was written is sound");
    assert!(decoded == message);
}

/// The inverse of the text transform takes anything, as what expands streams and breaks lines does, and
/// what they give survives another round.
pub fn coded_text(data: &[u8]) {
    let (&lengths, coded) = data.split_first_chunk::<2>().unwrap_or((&[0; 2], &[]));
    let content_bytes = usize::from(u16::from_le_bytes(lengths)) % 4096 + 1;
    let plan = ModelPlan::for_block(Preset::new(1).expect("1 to 9"), 4096);
    let new_coder = || ChunkCoder::new(plan, &Priors::default()).expect("little memory");
    for method in [4, 5, 9, 13, 17, 21, 25, 29] {
        let mut content = Vec::new();
        if new_coder().decode(method, coded, content_bytes, &mut content, &mut go_on).is_err() {
            continue;
        }
        assert!(content.len() <= content_bytes);
        if content.len() < content_bytes {
            assert!(method & 8 != 0, "only streams may make fewer bytes than are said");
            continue;
        }
        let chunk = new_coder().encode(&content, Transform::Words, &mut go_on).expect("nothing stops it");
        let mut again = Vec::new();
        let decoded = new_coder().decode(chunk.method, &chunk.payload, content_bytes, &mut again, &mut go_on);
        assert!(decoded.is_ok() && again == content);
    }
}

/// A prior may hold anything behind a right digest; what can be used is used.
pub fn prior(data: &[u8]) {
    let (&[flags, preset], rest) = data.split_first_chunk().unwrap_or((&[0; 2], &[]));
    let preset = Preset::new(preset % 2 + 1).expect("1 or 2");
    let learned = (flags & 1 != 0).then(|| {
        let mut section = rest.to_vec();
        if let Some([number, coded, lines]) = section.first_chunk_mut() {
            (*number, *coded, *lines) = (preset.number(), *coded & 1, 4 + *lines % 23);
        }
        section
    });
    let order = if flags & 128 != 0 { 1 + rest.len() % 8 } else { 6 };
    let ngrams = (flags & 1 == 0).then(|| PackedNgrams { order, bytes: rest.to_vec() });
    let network = (flags & 4 != 0).then(|| rest.to_vec());
    let mixer = (flags & 8 != 0).then(|| rest.to_vec());
    let weights = if flags & 16 != 0 { vec![(preset, rest.to_vec())] } else { Vec::new() };
    let (english_words, is_frozen) = (flags & 2 != 0, flags & 32 != 0);
    let trees = (flags & 64 != 0).then(|| rest.to_vec());
    let content = PriorContent { english_words, ngrams, trees, learned, network, is_frozen, mixer, weights };
    let file = Prior::to_bytes("any", &content).expect("it is short");
    let Ok(prior) = Prior::from_bytes(file, "any") else { return };
    let prior = Arc::new(prior);
    let options = Options { knowledge: Knowledge::Prior(prior.clone()), ..Options::new(preset) };
    if let Ok(archive) = compress(rest, &options, &mut go_on) {
        let limits = Limits { priors: Priors::new([prior]), ..limits(1) };
        let limits = Limits { max_memory: Limits::DEFAULT_MEMORY, ..limits };
        let decoded = decompress(&archive, &limits, &mut go_on).expect("what was written is sound");
        assert!(decoded == rest);
    }
}

/// An archive with edits that keep the headers' checks right, so that what lies behind them is
/// reached.
pub fn edited_archive(data: &[u8]) {
    let (options, rest) = options(data);
    let (edits, content) = rest.split_at(rest.len().min(16));
    let mut archive = flushed(content, content.len().max(8) / 8 * 8, &options);
    for edit in edits.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % archive.len();
        match edit[2] % 4 {
            0 => archive[at] ^= edit[3],
            1 => archive[at] = edit[3],
            2 => drop(archive.drain(at..(at + usize::from(edit[3])).min(archive.len() - 1).max(at))),
            _ => {
                let copy = archive[at..(at + usize::from(edit[3])).min(archive.len())].to_vec();
                archive.splice(at..at, copy);
            }
        }
    }
    sign_headers(&mut archive);
    decode_anything(&archive);
}

/// Makes every frame's own check right again, wherever a marker stands.
fn sign_headers(archive: &mut [u8]) {
    for at in 0..archive.len() {
        let Some(&[0xF7, kind, third, tag]) = archive[at..].first_chunk() else { break };
        let checks = tag & 0x80 != 0;
        let length = match (kind, third) {
            (0xD1, tag) if tag & 0x40 == 0 => {
                let flags = archive[at + 3];
                22 + if flags & 1 != 0 { 8 } else { 0 } + if flags & 2 != 0 { 32 } else { 0 }
            }
            (0xD2, 0x66) => 26,
            (0xD4, 0x72) => {
                if checks {
                    45
                } else {
                    29
                }
            }
            _ => continue,
        };
        if let Some(header) = archive.get_mut(at..at + length) {
            let check = crc32c(&header[..length - 4]);
            header[length - 4..].copy_from_slice(&check.to_le_bytes());
        }
    }
}

/// CRC-32C, bit by bit.
fn crc32c(data: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 != 0 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
    !data.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}
