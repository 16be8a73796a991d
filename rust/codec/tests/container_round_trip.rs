//! Every content comes back, however it is cut, and with the same bytes in between.

mod common;

use std::ops::ControlFlow;

use common::{awkward, compress, decompress, flushed, go_on, noise, preset, small_blocks, stream_out, text};
use foretold_codec::{Compressor, Decompressor, Error, Limits, Options, Preset, info};
use proptest::prelude::*;

#[test]
fn awkward_inputs_come_back_at_every_preset() {
    for preset in Preset::all() {
        // The slow presets see the short inputs only.
        let most = match preset.number() {
            1..=3 => usize::MAX,
            4..=9 => 10_000,
            _ => 500,
        };
        for (name, content) in awkward().into_iter().filter(|(_, content)| content.len() <= most) {
            for checksum in [true, false] {
                let archive = compress(&content, &Options { checksum, ..Options::new(preset) });
                assert!(decompress(&archive).unwrap() == content, "{name}, preset {preset}");
            }
        }
    }
}

#[test]
fn streams_write_the_bytes_of_one_shot_however_they_are_cut() {
    let content = [text(150_000), noise(30_000), text(50_000)].concat();
    for options in [small_blocks(), Options::new(preset(1))] {
        let archive = compress(&content, &options);
        for piece in [1, 7, 4_093, 65_536, 100_001] {
            let mut compressor = Compressor::new(options.clone()).unwrap();
            let mut streamed = Vec::new();
            for data in content.chunks(piece) {
                compressor.push(data, &mut streamed, &mut go_on).unwrap();
            }
            compressor.finish(&mut streamed, &mut go_on).unwrap();
            assert!(streamed == archive, "pieces of {piece}");
            assert_eq!(compressor.archive_bytes(), archive.len() as u64);
            let (out, end) = stream_out(&archive, piece, &Limits::default());
            assert!(end.is_ok() && out == content, "pieces of {piece}");
        }
    }
}

#[test]
fn blocks_end_where_the_block_size_says() {
    let block = 64 << 10;
    for bytes in [block - 1, block, block + 1, 2 * block, 2 * block + 1, 17 * block] {
        let content = text(bytes);
        // A flush makes even a short content a full member.
        let archive = flushed(&[&content[..10], &content[10..]], &small_blocks());
        let blocks = info(std::io::Cursor::new(&archive)).unwrap().members[0].blocks.clone();
        assert_eq!(blocks.len(), bytes.div_ceil(block));
        assert!(blocks.iter().rev().skip(1).all(|found| found.content_bytes == block as u64));
        assert!(decompress(&archive).unwrap() == content, "{bytes}");
        assert!(decompress(&compress(&content, &small_blocks())).unwrap() == content, "{bytes}");
    }
}

#[test]
fn threads_never_change_the_bytes() {
    let content = [text(200_000), noise(70_000), text(1_000_000)].concat();
    let one = compress(&content, &small_blocks());
    for threads in [2, 3, 7] {
        assert!(compress(&content, &Options { threads, ..small_blocks() }) == one, "{threads} threads");
        let limits = Limits { threads, ..Limits::default() };
        assert!(foretold_codec::decompress(&one, &limits, &mut go_on).unwrap() == content);
        let (out, end) = stream_out(&one, 10_000, &limits);
        assert!(end.is_ok() && out == content, "{threads} threads");
    }
}

#[test]
fn max_is_preset_10_in_every_header_and_flushes_as_others_do() {
    let content = text(400);
    let options = Options { block_size: Some(64 << 10), ..Options::new(Preset::MAX) };
    let message = compress(&content, &options);
    assert_eq!(message[3] & 15, 10);
    let archive = flushed(&[&content[..250], &content[250..]], &options);
    let member = &info(std::io::Cursor::new(&archive)).unwrap().members[0];
    assert_eq!((member.preset, archive[4], archive[member.blocks[0].offset as usize + 4]), (10, 10, 10));
    assert!(decompress(&archive).unwrap() == content && decompress(&message).unwrap() == content);
}

#[test]
fn presets_with_whole_content_blocks_ignore_threads() {
    let content = text(30_000);
    let options = Options::new(preset(9));
    let archive = flushed(&[&content], &Options { block_size: Some(1 << 16), ..options.clone() });
    assert!(decompress(&archive).unwrap() == content);
    assert_eq!(compress(&content, &options), compress(&content, &Options { threads: 4, ..options }));
}

#[test]
fn output_can_be_taken_in_small_parts() {
    let content = text(200_000);
    for threads in [1, 2] {
        let archive = [compress(&content, &small_blocks()), b"rest".to_vec()].concat();
        let mut decompressor = Decompressor::new(Limits { threads, ..Limits::default() }).unwrap();
        assert!(decompressor.needs_input());
        let mut out = Vec::new();
        decompressor.push(&archive, &mut out, Some(1_000), &mut go_on).unwrap();
        while !decompressor.eof() {
            assert!(!decompressor.needs_input());
            assert_eq!(decompressor.unused_data(), b"");
            let before = out.len();
            decompressor.push(&[], &mut out, Some(1_001), &mut go_on).unwrap();
            assert!(out.len() - before <= 1_001);
        }
        assert!(out == content);
        assert_eq!(decompressor.unused_data(), b"rest");
        assert_eq!(decompressor.archive_bytes(), archive.len() as u64 - 4);
        assert_eq!(decompressor.content_bytes(), content.len() as u64);
    }
}

#[test]
fn concatenated_archives_decode_as_one() {
    let contents = [text(100), Vec::new(), text(200_000), noise(5_000), text(70_000)];
    let archives: Vec<_> = contents.iter().map(|content| compress(content, &small_blocks())).collect();
    let archive = archives.concat();
    for threads in [1, 2] {
        let limits = Limits { threads, ..Limits::default() };
        assert!(foretold_codec::decompress(&archive, &limits, &mut go_on).unwrap() == contents.concat());
    }
    let found = info(std::io::Cursor::new(&archive)).unwrap();
    assert_eq!(found.members.len(), contents.len());
    for ((member, content), archive) in found.members.iter().zip(&contents).zip(&archives) {
        assert_eq!(member.content_bytes, content.len() as u64);
        assert_eq!(member.archive_bytes, archive.len() as u64);
    }
}

#[test]
fn flush_makes_everything_so_far_decodable() {
    let parts = [text(10), text(70_000), noise(100), text(1), text(3_000)];
    let mut compressor = Compressor::new(small_blocks()).unwrap();
    let mut decompressor = Decompressor::new(Limits::default()).unwrap();
    let (mut content, mut archive) = (Vec::new(), Vec::new());
    for part in &parts {
        let mut fresh = Vec::new();
        compressor.push(part, &mut fresh, &mut go_on).unwrap();
        compressor.flush(&mut fresh, &mut go_on).unwrap();
        let mut out = Vec::new();
        decompressor.push(&fresh, &mut out, None, &mut go_on).unwrap();
        assert!(out == *part);
        archive.extend(fresh);
        content.extend_from_slice(part);
        // With nothing new, a flush writes nothing.
        let before = archive.len();
        compressor.flush(&mut archive, &mut go_on).unwrap();
        assert_eq!(archive.len(), before);
    }
    compressor.finish(&mut archive, &mut go_on).unwrap();
    assert!(decompress(&archive).unwrap() == content);
}

#[test]
fn flush_of_nothing_keeps_the_compact_form() {
    assert_eq!(flushed(&[b""], &Options::default()), compress(b"", &Options::default()));
}

#[test]
fn messages_grow_by_twelve_bytes_at_most() {
    for bytes in [0, 1, 2, 10, 100, 1_000, 65_535] {
        for checksum in [true, false] {
            let options = Options { checksum, ..Options::new(preset(1)) };
            let most = bytes + if checksum { 12 } else { 8 };
            assert!(compress(&noise(bytes), &options).len() <= most, "noise of {bytes}");
        }
    }
}

#[test]
fn nothing_grows_by_more_than_32_bytes_and_a_ten_thousandth() {
    for bytes in [65_536, 100_000, 1 << 20, (1 << 20) + 1, (2 << 20) + 77] {
        let content = noise(bytes);
        let archive = compress(&content, &Options::new(preset(1)));
        assert!(archive.len() <= bytes + 32 + bytes / 10_000, "{bytes} -> {}", archive.len());
        assert!(decompress(&archive).unwrap() == content);
    }
}

#[test]
fn ticks_count_every_byte_and_can_stop_the_work() {
    let content = text(300_000);
    for threads in [1, 3] {
        let options = Options { threads, ..small_blocks() };
        let limits = Limits { threads, ..Limits::default() };
        let mut done = 0;
        let mut count = |bytes: usize| {
            done += bytes;
            ControlFlow::Continue(())
        };
        let archive = foretold_codec::compress(&content, &options, &mut count).unwrap();
        foretold_codec::decompress(&archive, &limits, &mut count).unwrap();
        assert_eq!(done, 2 * content.len());

        let mut left = 100_000usize;
        let mut stop = |bytes: usize| {
            left = left.saturating_sub(bytes);
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut compressor = Compressor::new(options).unwrap();
        let mut out = Vec::new();
        let stopped = compressor
            .push(&content, &mut out, &mut stop)
            .and_then(|()| compressor.finish(&mut out, &mut stop));
        assert!(matches!(stopped, Err(Error::Interrupted)));
        assert!(matches!(compressor.push(b"x", &mut out, &mut go_on), Err(Error::Parameter(_))));
        assert!(matches!(foretold_codec::decompress(&archive, &limits, &mut stop), Err(Error::Interrupted)));
    }
}

#[test]
fn impossible_parameters_are_refused() {
    for options in [
        Options { threads: 0, ..Options::default() },
        Options { threads: 5_000, ..Options::default() },
        Options { block_size: Some(65_535), ..Options::default() },
    ] {
        assert!(matches!(Compressor::new(options), Err(Error::Parameter(_))));
    }
    let limits = Limits { threads: 0, ..Limits::default() };
    assert!(matches!(Decompressor::new(limits), Err(Error::Parameter(_))));
    let mut compressor = Compressor::new(Options::default()).unwrap();
    let mut out = Vec::new();
    compressor.finish(&mut out, &mut go_on).unwrap();
    assert!(compressor.is_finished());
    assert!(matches!(compressor.push(b"x", &mut out, &mut go_on), Err(Error::Parameter(_))));
    assert!(matches!(compressor.finish(&mut out, &mut go_on), Err(Error::Parameter(_))));
}

#[test]
#[ignore = "heavy: codes 3 x 65 MiB"]
fn contents_beyond_the_gathering_buffer_keep_their_bytes() {
    let content = text((65 << 20) + 12_345);
    let options = Options { block_size: Some(1 << 30), ..Options::new(preset(1)) };
    let archive = compress(&content, &options);
    assert!(archive == compress(&content, &Options { threads: 2, ..options.clone() }));
    assert_eq!(info(std::io::Cursor::new(&archive)).unwrap().members[0].size_class, 26);
    let mut compressor = Compressor::new(options).unwrap();
    let mut streamed = Vec::new();
    for data in content.chunks(1_234_567) {
        compressor.push(data, &mut streamed, &mut go_on).unwrap();
    }
    compressor.finish(&mut streamed, &mut go_on).unwrap();
    assert!(streamed == archive);
    assert!(decompress(&archive).unwrap() == content);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_content_comes_back_through_any_path(
        parts in prop::collection::vec((any::<bool>(), 0usize..40_000), 0..6),
        pieces in prop::collection::vec(1usize..90_000, 1..8),
        threads in 1usize..4,
        checksum: bool,
        seek_index: bool,
    ) {
        let content: Vec<u8> =
            parts.iter().flat_map(|&(random, bytes)| if random { noise(bytes) } else { text(bytes) }).collect();
        let options = Options { threads, checksum, seek_index, ..small_blocks() };
        let archive = compress(&content, &options);
        let mut compressor = Compressor::new(Options { threads: 1, ..options }).unwrap();
        let (mut streamed, mut rest) = (Vec::new(), &content[..]);
        for piece in pieces.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at(rest.len().min(*piece));
            compressor.push(now, &mut streamed, &mut go_on).unwrap();
            rest = later;
        }
        compressor.finish(&mut streamed, &mut go_on).unwrap();
        prop_assert!(streamed == archive);
        let limits = Limits { threads, ..Limits::default() };
        let (out, end) = stream_out(&archive, pieces[0], &limits);
        prop_assert!(end.is_ok() && out == content);
        prop_assert!(foretold_codec::decompress(&archive, &limits, &mut go_on).unwrap() == content);
    }
}
