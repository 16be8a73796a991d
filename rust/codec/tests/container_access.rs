//! What an archive holds, and any part of it.

mod common;

use std::io::Cursor;

use common::{Random, compress, flushed, go_on, noise, preset, small_blocks, text};
use foretold_codec::{Limits, Options, SeekableReader, info};

#[test]
fn info_tells_what_the_headers_say() {
    let content = text(200_000);
    let archive = compress(&content, &small_blocks());
    let found = info(Cursor::new(&archive)).unwrap();
    let member = &found.members[0];
    assert_eq!((found.archive_bytes, found.content_bytes), (archive.len() as u64, 200_000));
    assert_eq!((member.preset, member.size_class, member.generation), (1, 16, 0));
    assert!(!member.compact && member.checksum && member.seek_index);
    assert_eq!(member.block_bytes, Some(65_536));
    assert_eq!(member.digest.unwrap(), blake3::hash(&content).as_bytes()[..16]);
    assert_eq!(member.blocks.len(), 4);
    assert!(found.memory_bytes >= member.memory_bytes && member.memory_bytes > 0);

    let walked =
        info(Cursor::new(compress(&content, &Options { seek_index: false, ..small_blocks() }))).unwrap();
    assert!(!walked.members[0].seek_index);
    assert_eq!(walked.members[0].blocks, member.blocks);

    let message = info(Cursor::new(compress(&content[..50], &Options::new(preset(5))))).unwrap();
    let member = &message.members[0];
    assert_eq!((member.preset, member.compact, member.checksum), (5, true, true));
    assert_eq!((member.digest, member.block_bytes, member.blocks.len()), (None, None, 1));
    let unchecked = compress(&content[..50], &Options { checksum: false, ..Options::new(preset(5)) });
    assert!(!info(Cursor::new(unchecked)).unwrap().members[0].checksum);
}

#[test]
fn any_part_can_be_read_in_any_order() {
    let contents = [text(150_000), Vec::new(), noise(500), text(70_000), text(140_000)];
    let whole = contents.concat();
    for (seek_index, checksum) in [(true, true), (false, true), (true, false)] {
        let options = Options { seek_index, checksum, ..small_blocks() };
        let mut archive: Vec<u8> =
            contents[..4].iter().flat_map(|content| compress(content, &options)).collect();
        archive.extend(flushed(&[&contents[4][..1_000], &contents[4][1_000..]], &options));
        let mut reader = SeekableReader::new(Cursor::new(&archive), Limits::default()).unwrap();
        assert_eq!(reader.len(), whole.len() as u64);
        let mut random = Random::new(7);
        for round in 0..40 {
            let offset = random.below(whole.len() + 10);
            let mut buffer = vec![0; if round % 5 == 0 { 100_000 } else { random.below(2_000) }];
            let read = reader.read_at(offset as u64, &mut buffer, &mut go_on).unwrap();
            let expected = whole.get(offset..).unwrap_or_default();
            assert_eq!(read, expected.len().min(buffer.len()));
            assert!(buffer[..read] == expected[..read], "{read} bytes at {offset}");
        }
    }
}

#[test]
fn reading_forwards_decodes_once() {
    let content = text(300_000);
    let archive = compress(&content, &small_blocks());
    let mut reader = SeekableReader::new(Cursor::new(&archive), Limits::default()).unwrap();
    let (mut decoded, mut read) = (0, Vec::new());
    let mut buffer = [0; 999];
    loop {
        let mut count = |bytes| {
            decoded += bytes;
            go_on(bytes)
        };
        match reader.read_at(read.len() as u64, &mut buffer, &mut count).unwrap() {
            0 => break,
            got => read.extend_from_slice(&buffer[..got]),
        }
    }
    assert!(read == content);
    assert_eq!(decoded, content.len());
}

#[test]
fn only_the_blocks_needed_are_decoded() {
    let content = text(10 * 65_536);
    let mut archive = compress(&content, &small_blocks());
    let blocks = info(Cursor::new(&archive)).unwrap().members[0].blocks.clone();
    archive[blocks[0].offset as usize + 100] ^= 1;
    let mut reader = SeekableReader::new(Cursor::new(&archive), Limits::default()).unwrap();
    let mut buffer = [0; 10];
    assert_eq!(reader.read_at(9 * 65_536 + 5, &mut buffer, &mut go_on).unwrap(), 10);
    assert_eq!(buffer, content[9 * 65_536 + 5..][..10]);
    assert!(reader.read_at(0, &mut buffer, &mut go_on).is_err());
    // The damaged block does not spoil the others.
    assert_eq!(reader.read_at(65_536, &mut buffer, &mut go_on).unwrap(), 10);
}
