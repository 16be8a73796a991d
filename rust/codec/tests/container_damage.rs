//! Damaged and hostile archives end in a clear error, never in wrong output.

mod common;

use std::io::Cursor;

use common::{
    BLOCK_HEADER, CHUNK_HEADER, MEMBER_HEADER, compress, decompress, flushed, go_on, noise, preset,
    small_blocks, stream_out, text,
};
use foretold_codec::{
    Damage, Decompressor, Error, FormatProblem, GENERATION, Limits, Options, PriorError, SeekableReader,
    info, recover,
};

/// Small archives of every form, with their content.
fn specimens(checksum: bool) -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let options = Options { checksum, ..small_blocks() };
    let (short, long, random) = (text(90), text(600), noise(40));
    let full: [&[u8]; 3] = [&short, &random, &long];
    vec![
        ("empty", compress(b"", &options), Vec::new()),
        ("stored message", compress(&random, &options), random.clone()),
        ("modelled message", compress(&long, &options), long.clone()),
        ("full member", flushed(&full, &options), full.concat()),
    ]
}

/// Two blocks, which decode slowly for a specimen, and their content.
fn two_blocks() -> (Vec<u8>, Vec<u8>) {
    let content = [vec![b'a'; 65_530], noise(30)].concat();
    (compress_full(&content, &small_blocks()), content)
}

#[test]
fn the_end_of_a_member_with_several_blocks_is_covered_by_checks() {
    let (archive, content) = two_blocks();
    let second = info(Cursor::new(&archive)).unwrap().members[0].blocks[1].offset as usize;
    for at in second..archive.len() {
        let mut damaged = archive.clone();
        damaged[at] ^= 1 << (at % 8);
        match decompress(&damaged) {
            Ok(decoded) => assert!(decoded == content, "byte {at}"),
            Err(error) => assert_typed(&error),
        }
        if at % 5 == 0 {
            assert_typed(&decompress(&archive[..at]).unwrap_err());
            assert!(info(Cursor::new(&archive[..at])).is_err());
        }
    }
}

/// A full member, even of a short content.
fn compress_full(content: &[u8], options: &Options) -> Vec<u8> {
    flushed(&[content], options)
}

fn assert_typed(error: &Error) {
    assert!(matches!(error, Error::Format { .. } | Error::Corrupt { .. }), "{error:?}");
}

#[test]
fn every_truncation_is_an_error() {
    for checksum in [true, false] {
        for (name, archive, content) in specimens(checksum) {
            for length in 0..archive.len() {
                let error = decompress(&archive[..length]).expect_err(name);
                assert_typed(&error);
                assert!(info(Cursor::new(&archive[..length])).is_err(), "{name}, {length}");
                let (out, end) = stream_out(&archive[..length], 50, &Limits::default());
                assert!(content.starts_with(&out), "{name}, {length}");
                if length > 0 {
                    assert_typed(&end.expect_err(name));
                }
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_an_error_or_harmless() {
    for (name, archive, content) in specimens(true) {
        for at in 0..archive.len() {
            // One bit of each byte, in turn: the long archives have every bit in some byte.
            for bit in [at % 8, (at * 5 + 3) % 8] {
                let mut damaged = archive.clone();
                damaged[at] ^= 1 << bit;
                match decompress(&damaged) {
                    Ok(decoded) => assert!(decoded == content, "{name}, byte {at}, bit {bit}"),
                    Err(error) => assert_typed(&error),
                }
                let (out, _) = stream_out(&damaged, 1_000, &Limits::default());
                assert!(content.starts_with(&out), "{name}, byte {at}, bit {bit}");
                if let Ok(mut reader) = SeekableReader::new(Cursor::new(&damaged), Limits::default()) {
                    let mut buffer = vec![0; 50];
                    if let Ok(read) = reader.read_at(20, &mut buffer, &mut go_on) {
                        let rest = content.get(20..).unwrap_or_default();
                        assert!(rest.starts_with(&buffer[..read]), "{name}, byte {at}, bit {bit}");
                    }
                }
            }
        }
    }
}

#[test]
fn without_checks_damage_never_panics() {
    for (_, archive, _) in specimens(false) {
        for at in 0..archive.len() {
            let mut damaged = archive.clone();
            damaged[at] ^= 1 << (at % 8);
            let _ = decompress(&damaged);
            let _ = info(Cursor::new(&damaged));
            let _ = recover(Cursor::new(&damaged), &mut Vec::new(), &Limits::default(), &mut go_on);
        }
    }
}

#[test]
fn other_files_are_called_by_their_first_bytes() {
    let cases: [(&[u8], &str); 4] = [
        (b"PK\x03\x04 and so on", "not a foretold archive: found bytes 50 4b 03 04 (at byte 0)"),
        (b"x", "not a foretold archive: found bytes 78 (at byte 0)"),
        (b"", "not a foretold archive: found bytes none (at byte 0)"),
        (b"\xF7\x00", "not a foretold archive: found bytes f7 00 (at byte 0)"),
    ];
    for (bytes, message) in cases {
        assert_eq!(decompress(bytes).unwrap_err().to_string(), message);
        assert_eq!(info(Cursor::new(bytes)).unwrap_err().to_string(), message);
        let recovered = recover(Cursor::new(bytes), &mut Vec::new(), &Limits::default(), &mut go_on);
        assert_eq!(recovered.unwrap_err().to_string(), message);
    }
    let garbage_after = [compress(b"text", &small_blocks()), b"PK\x03\x04".to_vec()].concat();
    let error = decompress(&garbage_after).unwrap_err();
    assert!(matches!(error, Error::Format { problem: FormatProblem::NotForetold(_), .. }), "{error}");
}

#[test]
fn other_generations_are_refused_by_name() {
    for archive in [compress(b"text", &small_blocks()), compress_full(b"text", &small_blocks())] {
        let mut later = archive.clone();
        later[2] += 1;
        match decompress(&later) {
            Err(Error::Format { problem: FormatProblem::Generation { found, known }, .. }) => {
                assert_eq!((found, known), (GENERATION + 1, GENERATION));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Replaces the check that ends the first `length` bytes.
fn sign(archive: &mut [u8], length: usize) {
    let check = crc32c::crc32c(&archive[..length - 4]);
    archive[length - 4..length].copy_from_slice(&check.to_le_bytes());
}

#[test]
fn priors_and_reserved_flags_are_refused() {
    let mut archive = compress_full(b"text", &small_blocks());
    archive[3] |= 2;
    archive[6..10].copy_from_slice(&100_000u32.to_le_bytes());
    archive.splice(18..18, [7; 32]);
    sign(&mut archive, MEMBER_HEADER + 32);
    let error = decompress(&archive).unwrap_err();
    let Error::Prior(PriorError::Missing { wanted, given }) = &error else { panic!("{error}") };
    assert_eq!((wanted, given), (&"07".repeat(32), &Vec::new()));
    archive[3] |= 0x80;
    let error = decompress(&archive).unwrap_err();
    assert!(matches!(error, Error::Format { problem: FormatProblem::ReservedFlags(0x82), .. }), "{error}");
}

#[test]
fn claims_of_hostile_headers_cost_nothing() {
    let archive = compress_full(b"text", &small_blocks());
    // Block size, then a block's content offset, then a model of another size.
    let mut huge_blocks = archive.clone();
    huge_blocks[10..18].copy_from_slice(&u64::MAX.to_le_bytes());
    sign(&mut huge_blocks, MEMBER_HEADER);
    let limits = Limits { threads: 4, ..Limits::default() };
    assert_eq!(foretold_codec::decompress(&huge_blocks, &limits, &mut go_on).unwrap(), b"text");

    let mut huge_memory = archive.clone();
    huge_memory[6..10].copy_from_slice(&u32::MAX.to_le_bytes());
    sign(&mut huge_memory, MEMBER_HEADER);
    let needed = u64::from(u32::MAX) * 1024;
    assert!(matches!(decompress(&huge_memory), Err(Error::Memory { needed: found, .. }) if found == needed));

    let mut no_memory = archive.clone();
    no_memory[6..10].copy_from_slice(&1u32.to_le_bytes());
    sign(&mut no_memory, MEMBER_HEADER);
    assert!(matches!(
        decompress(&no_memory),
        Err(Error::Corrupt { damage: Damage::Field { field: "memory_kib", .. }, .. })
    ));

    let mut far = archive[MEMBER_HEADER..].to_vec();
    far[6..14].copy_from_slice(&(u64::MAX - 2).to_le_bytes());
    sign(&mut far, BLOCK_HEADER);
    let far = [&archive[..MEMBER_HEADER], &far].concat();
    assert_typed(&decompress(&far).unwrap_err());
    let mut out = Vec::new();
    assert!(recover(Cursor::new(&far), &mut out, &Limits::default(), &mut go_on).is_ok());
    assert!(out.len() < 100);
}

#[test]
fn limits_hold() {
    let content = text(300_000);
    let limits = Limits { max_output: Some(299_999), ..Limits::default() };
    for archive in
        [compress(&content, &small_blocks()), flushed(&[&content[..1], &content[1..]], &small_blocks())]
    {
        match foretold_codec::decompress(&archive, &limits, &mut go_on) {
            Err(Error::OutputLimit { allowed: 299_999 }) => {}
            other => panic!("{:?}", other.map(|content| content.len())),
        }
        let exact = Limits { max_output: Some(300_000), ..Limits::default() };
        assert!(foretold_codec::decompress(&archive, &exact, &mut go_on).unwrap() == content);
    }
    let messages = [compress(b"12345", &small_blocks()), compress(b"67890", &small_blocks())].concat();
    let limits = Limits { max_output: Some(9), ..Limits::default() };
    let result = foretold_codec::decompress(&messages, &limits, &mut go_on);
    assert!(matches!(result, Err(Error::OutputLimit { allowed: 9 })));

    let archive = compress(&content, &small_blocks());
    let needed = info(Cursor::new(&archive)).unwrap().memory_bytes;
    // Enough for one thread: the others are given up.
    let limits = Limits { max_memory: needed, threads: 8, ..Limits::default() };
    assert!(foretold_codec::decompress(&archive, &limits, &mut go_on).unwrap() == content);
    let limits = Limits { max_memory: needed - 1, ..limits };
    let result = foretold_codec::decompress(&archive, &limits, &mut go_on);
    assert!(matches!(result, Err(Error::Memory { needed: found, .. }) if found == needed));
}

#[test]
fn damage_is_located() {
    let content = text(200_000);
    let archive = compress(&content, &small_blocks());
    let blocks = info(Cursor::new(&archive)).unwrap().members[0].blocks.clone();
    for threads in [1, 3] {
        let limits = Limits { threads, ..Limits::default() };
        let mut damaged = archive.clone();
        damaged[blocks[2].offset as usize + BLOCK_HEADER + CHUNK_HEADER + 5] ^= 4;
        let (out, end) = stream_out(&damaged, 1_000, &limits);
        assert!(out == content[..2 * 65_536], "what stands before the damage is given out");
        let twice = [archive.clone(), damaged].concat();
        match (end, foretold_codec::decompress(&twice, &limits, &mut go_on)) {
            (
                Err(Error::Corrupt { offset, member: 0, block: Some(2), chunk: Some(0), .. }),
                Err(Error::Corrupt {
                    offset: offset_in_twice,
                    member: 1,
                    block: Some(2),
                    chunk: Some(0),
                    ..
                }),
            ) => {
                assert_eq!(offset, blocks[2].offset + BLOCK_HEADER as u64);
                assert_eq!(offset_in_twice, archive.len() as u64 + offset);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_decompressor_is_of_no_use_after_an_error() {
    let mut archive = compress(&text(100), &small_blocks());
    let middle = archive.len() / 2;
    archive[middle] ^= 0x80;
    let mut decompressor = Decompressor::new(Limits::default()).unwrap();
    let mut out = Vec::new();
    assert!(matches!(decompressor.push(&archive, &mut out, None, &mut go_on), Err(Error::Corrupt { .. })));
    assert!(matches!(decompressor.push(&[], &mut out, None, &mut go_on), Err(Error::Parameter(_))));
    assert!(out.is_empty());
}

#[test]
fn presets_unknown_to_this_release_are_refused() {
    let mut archive = compress(&text(100), &Options::new(preset(1)));
    archive[3] = archive[3] & 0xF0 | 15;
    let result = decompress(&archive);
    assert!(matches!(
        result,
        Err(Error::Format { problem: FormatProblem::UnknownModel { preset: 15, .. }, .. })
    ));
}
