//! Archives that start from priors: they come back by every way, with every instruction set, and
//! without their prior they fail by its name.

mod common;

use std::io::Cursor;
use std::process::Command;
use std::sync::{Arc, LazyLock};

use common::{
    BLOCK_HEADER, MEMBER_HEADER, compress, decompress, english_blocks, flushed, go_on, noise, preset, prose,
    stream_out, text, weights, weights_with,
};
use foretold_codec::knowledge::learn_weights;
use foretold_codec::knowledge::ngrams::{Least, Ngrams, ORDER};
use foretold_codec::{
    ChunkCoder, Compressor, Damage, Decompressor, Error, Knowledge, Limits, ModelPlan, Options, Preset,
    Prior, PriorContent, PriorError, Priors, SeekableReader, Training, Transform, compress_raw, info,
    recover,
};

/// Of a few kilobytes, so that it takes no time.
static SMALL: LazyLock<Arc<Prior>> = LazyLock::new(|| Arc::new(made(&small_file())));

fn small_file() -> Vec<u8> {
    let least = Least { context: 2, follower: 1, worth: 0.5 };
    let ngrams = Ngrams::learn(&[text(4_000), b"other words, and more of them; ".repeat(20)], ORDER, least);
    let content = PriorContent { english_words: true, ngrams: ngrams.pack(), ..PriorContent::default() };
    Prior::to_bytes("small", &content).unwrap()
}

fn made(file: &[u8]) -> Prior {
    Prior::from_bytes(file.to_vec(), "a test's").unwrap()
}

fn with(prior: &Arc<Prior>, options: Options) -> Options {
    Options { knowledge: Knowledge::Prior(prior.clone()), ..options }
}

fn knowing(prior: &Arc<Prior>) -> Limits {
    Limits { priors: Priors::new([prior.clone()]), ..Limits::default() }
}

fn decompress_with(archive: &[u8], limits: &Limits) -> Result<Vec<u8>, Error> {
    foretold_codec::decompress(archive, limits, &mut go_on)
}

#[test]
fn english_comes_back_at_every_strength_and_is_smaller() {
    for number in [1, 5, 9] {
        for bytes in [20, 300, 3_000, 40_000] {
            if number == 9 && bytes > 3_000 {
                continue;
            }
            let content = prose(bytes);
            let options = Options::new(preset(number));
            let archive = compress(&content, &options);
            let member = &info(Cursor::new(&archive)).unwrap().members[0];
            let id = member.prior.clone().expect("it is English");
            assert_eq!(id, Prior::english().id().to_string());
            assert_eq!(archive[..2], [0xF7, 0xD5], "preset {number}, {bytes} bytes");
            assert!(decompress(&archive).unwrap() == content, "preset {number}, {bytes} bytes");
            let plain = compress(&content, &Options { knowledge: Knowledge::None, ..options });
            assert_eq!(plain[..2], [0xF7, 0xD1]);
            assert_eq!(info(Cursor::new(&plain)).unwrap().members[0].prior, None);
            assert!(archive.len() < plain.len(), "preset {number}, {bytes} bytes");
        }
    }
}

#[test]
fn what_is_not_english_starts_from_nothing() {
    for content in [noise(5_000), "Слово за слово, дело за делом. ".repeat(50).into_bytes(), Vec::new()]
    {
        let archive = compress(&content, &Options::new(preset(1)));
        assert_eq!(archive[..2], [0xF7, 0xD1]);
    }
}

#[test]
fn any_content_may_start_from_any_prior() {
    for (name, content) in common::awkward() {
        for prior in [&SMALL, Prior::english()] {
            let options = with(prior, Options::new(preset(1)));
            let archive = compress(&content, &options);
            let magic = if content.is_empty() {
                0xD1
            } else if prior == Prior::english() {
                0xD5
            } else {
                0xD6
            };
            assert_eq!(archive[..2], [0xF7, magic], "{name}");
            assert!(decompress_with(&archive, &knowing(&SMALL)).unwrap() == content, "{name}");
        }
    }
}

#[test]
fn blocks_start_from_the_members_prior_whatever_the_threads() {
    let content = [prose(150_000), noise(30_000), prose(90_000)].concat();
    let other = Options { preset: preset(5), ..english_blocks() };
    for options in [english_blocks(), other, with(&SMALL, english_blocks())] {
        let archive = compress(&content, &options);
        let digest = match &options.knowledge {
            Knowledge::Prior(prior) => *prior.digest(),
            _ => *Prior::english().digest(),
        };
        assert_eq!(archive[3], 2, "a prior; what is longer than a block has no content_bytes");
        assert_eq!(archive[18..50], digest);
        let limits = knowing(&SMALL);
        let found = info(Cursor::new(&archive)).unwrap();
        assert_eq!(found.members[0].blocks.len(), 5);
        for block in &found.members[0].blocks {
            assert_eq!(archive[block.offset as usize + 18..][..4], digest[..4]);
        }
        for threads in [2, 3] {
            assert!(compress(&content, &Options { threads, ..options.clone() }) == archive);
            let limits = Limits { threads, ..limits.clone() };
            assert!(decompress_with(&archive, &limits).unwrap() == content, "{threads} threads");
        }
        for piece in [999, 70_000] {
            let mut compressor = Compressor::new(options.clone()).unwrap();
            let mut streamed = Vec::new();
            for data in content.chunks(piece) {
                compressor.push(data, &mut streamed, &mut go_on).unwrap();
            }
            compressor.finish(&mut streamed, &mut go_on).unwrap();
            assert!(streamed == archive, "pieces of {piece}");
            let (out, end) = stream_out(&archive, piece, &limits);
            assert!(end.is_ok() && out == content, "pieces of {piece}");
        }
        let mut reader = SeekableReader::new(Cursor::new(&archive), limits.clone()).unwrap();
        let mut buffer = [0; 100];
        for offset in [200_000, 70_000, 269_950] {
            let read = reader.read_at(offset, &mut buffer, &mut go_on).unwrap();
            assert!(buffer[..read] == content[offset as usize..][..read] && read >= 50);
        }
    }
}

#[test]
fn recovery_knows_the_prior_by_the_block() {
    let content = prose(150_000);
    let other = Options { preset: preset(5), ..english_blocks() };
    for options in [english_blocks(), other, with(&SMALL, english_blocks())] {
        let mut archive = compress(&content, &options);
        // The member's header is lost, and the first block with it.
        archive[30] ^= 1;
        let blocks = {
            let whole = compress(&content, &options);
            info(Cursor::new(&whole)).unwrap().members[0].blocks.clone()
        };
        archive[blocks[1].offset as usize + BLOCK_HEADER + 20] ^= 1;
        let mut out = Vec::new();
        let report = recover(Cursor::new(&archive), &mut out, &knowing(&SMALL), &mut go_on).unwrap();
        assert!(!report.lost.is_empty());
        let mut expected = content.clone();
        expected[65_536..131_072].fill(0);
        assert!(out == expected);
    }
}

#[test]
fn recovery_goes_on_after_a_message_whose_prior_is_missing() {
    let contents = [prose(100), prose(300), prose(70_000)];
    let archive: Vec<u8> = [
        compress(&contents[0], &with(&SMALL, Options::new(preset(1)))),
        compress(&contents[1], &Options::new(preset(1))),
        compress(&contents[2], &english_blocks()),
    ]
    .concat();
    let mut out = Vec::new();
    let report = recover(Cursor::new(&archive), &mut out, &Limits::default(), &mut go_on).unwrap();
    assert!(out == [&[0; 100], &contents[1][..], &contents[2]].concat());
    assert_eq!(report.lost.len(), 1);
    assert!(report.lost[0].reason.contains(&SMALL.id().to_string()), "{:?}", report.lost);
    // A member's header is checked, so the prior it names is really needed.
    let archive = compress(&contents[2], &with(&SMALL, english_blocks()));
    let result = recover(Cursor::new(&archive), &mut out, &Limits::default(), &mut go_on);
    assert!(matches!(result, Err(Error::Prior(PriorError::Missing { .. }))));
}

#[test]
fn streams_that_start_from_priors_continue_from_their_states() {
    let content = [prose(60_000), noise(20_000), prose(60_000)].concat();
    let other = Options { preset: preset(5), ..english_blocks() };
    for options in [english_blocks(), other, with(&SMALL, english_blocks())] {
        let prior = match &options.knowledge {
            Knowledge::Prior(prior) => Some(prior),
            _ => None,
        };
        let parts: Vec<&[u8]> = content.chunks(30_000).collect();
        let expected = flushed(&parts, &options);
        let mut compressor = Compressor::new(options.clone()).unwrap();
        let mut archive = Vec::new();
        for part in &parts {
            compressor.push(part, &mut archive, &mut go_on).unwrap();
            compressor.flush(&mut archive, &mut go_on).unwrap();
            let mut state = Vec::new();
            compressor.save(&mut state).unwrap();
            if prior.is_some() {
                assert!(matches!(Compressor::load(&mut &state[..], None), Err(Error::Parameter(_))));
            }
            compressor = Compressor::load(&mut &state[..], prior).unwrap();
        }
        compressor.finish(&mut archive, &mut go_on).unwrap();
        assert!(archive == expected);
        let limits = knowing(&SMALL);
        let mut decompressor = Decompressor::new(limits.clone()).unwrap();
        let (mut out, mut without) = (Vec::new(), 0);
        for piece in archive.chunks(5_000) {
            decompressor.push(piece, &mut out, None, &mut go_on).unwrap();
            let mut state = Vec::new();
            decompressor.save(&mut state).unwrap();
            without += usize::from(Decompressor::load(&mut &state[..], Limits::default()).is_err());
            decompressor = Decompressor::load(&mut &state[..], limits.clone()).unwrap();
        }
        assert!(decompressor.eof() && out == content);
        assert_eq!(without > 0, prior.is_some(), "a model cannot be restored without its prior");
    }
}

#[test]
fn small_blocks_of_both_kinds_continue_from_their_states() {
    let table: Vec<u8> =
        (0..300u32).flat_map(|row| [row, row * row % 251].map(u32::to_le_bytes)).flatten().collect();
    let (one, other) = (text(1_000), text(500));
    let priors = Priors::new([SMALL.clone()]);
    for number in [1, 5, 9] {
        let plan = ModelPlan::for_block(preset(number), 1 << 13).with_prior(Some(SMALL.id()));
        for chunks in [[&one, &other, &table], [&table, &one, &other]] {
            let new = || ChunkCoder::new(plan, &priors).unwrap();
            let (mut straight, mut saved, mut decoder) = (new(), new(), new());
            for content in chunks {
                let chunk = straight.encode(content, Transform::Auto, &mut go_on).unwrap();
                for coder in [&mut saved, &mut decoder] {
                    let mut state = Vec::new();
                    coder.save(&mut state).unwrap();
                    *coder = ChunkCoder::load(plan, &priors, &mut &state[..]).unwrap();
                }
                assert!(saved.encode(content, Transform::Auto, &mut go_on).unwrap() == chunk);
                let mut out = Vec::new();
                decoder.decode(chunk.method, &chunk.payload, content.len(), &mut out, &mut go_on).unwrap();
                assert!(out == *content, "preset {number}");
            }
        }
    }
}

#[test]
fn blocks_larger_than_they_say_are_refused() {
    let plan = ModelPlan::for_block(preset(1), 1 << 10).with_prior(Some(SMALL.id()));
    let new = || ChunkCoder::new(plan, &Priors::new([SMALL.clone()])).unwrap();
    let refused = |result: Result<_, _>| match result {
        Err(error) => format!("{error}").contains("at most 2^10"),
        Ok(()) => false,
    };
    let mut out = Vec::new();
    let (fits, binary) = (text(1_024), vec![0; 500]);
    assert!(new().decode(0, &fits, fits.len(), &mut out, &mut go_on).is_ok());
    let long = text(1_025);
    assert!(refused(new().decode(0, &long, long.len(), &mut out, &mut go_on)));
    assert!(refused(new().encode(&long, Transform::None, &mut go_on).map(|_| ())));
    assert!(refused(new().decode(1, &[], 5_000, &mut out, &mut go_on)));
    // A dictionary has coded bytes, but gives no content.
    let words = [b"\n".to_vec(), b"@ab".repeat(600)].concat();
    assert!(refused(new().decode(4, &words, 10, &mut out, &mut go_on)));
    let mut coder = new();
    assert!(coder.decode(0, &fits[..500], 500, &mut out, &mut go_on).is_ok());
    assert!(coder.decode(2, &binary[..100], 100, &mut out, &mut go_on).is_ok());
    assert!(refused(coder.decode(0, &fits[..1], 1, &mut out, &mut go_on)), "text was there before");
    // So no archive can ask for more than its header declares.
    let small = text(900);
    let archive = flushed(&[&small], &with(&SMALL, english_blocks()));
    let start = MEMBER_HEADER + 32;
    let mut claims_less = archive.clone();
    claims_less[start + 5] = 10;
    claims_less[5] = 16;
    let end = start + BLOCK_HEADER;
    let check = crc32c::crc32c(&claims_less[start..end - 4]);
    claims_less[end - 4..end].copy_from_slice(&check.to_le_bytes());
    let tail = claims_less.split_off(end);
    let chunk = |content: &[u8]| {
        let mut chunk = vec![0];
        chunk.extend_from_slice(&(content.len() as u32).to_le_bytes()[..3]);
        chunk.extend_from_slice(&(content.len() as u32).to_le_bytes()[..3]);
        chunk.extend_from_slice(&crc32c::crc32c_append(crc32c::crc32c(&chunk), content).to_le_bytes());
        chunk.extend_from_slice(content);
        chunk
    };
    claims_less.extend(chunk(&fits));
    claims_less.extend(chunk(&small));
    claims_less.extend(tail);
    match decompress_with(&claims_less, &knowing(&SMALL)) {
        Err(Error::Corrupt { block: Some(0), chunk: Some(1), damage: Damage::Payload(reason), .. }) => {
            assert!(reason.contains("size class 10"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_prior_that_is_missing_is_named() {
    for (archive, wanted) in [
        (compress(&text(200), &with(&SMALL, Options::new(preset(1)))), SMALL.id().to_string()),
        (
            compress(&text(70_000), &with(&SMALL, english_blocks())),
            SMALL.digest().iter().map(|byte| format!("{byte:02x}")).collect(),
        ),
    ] {
        let error = decompress(&archive).unwrap_err();
        assert!(error.to_string().contains(&wanted), "{error}");
        let Error::Prior(PriorError::Missing { wanted: found, .. }) = error else { panic!("{error:?}") };
        assert_eq!(found, wanted);
        let other = Arc::new(made(&Prior::to_bytes("other", &PriorContent::default()).unwrap()));
        let error = decompress_with(&archive, &knowing(&other)).unwrap_err();
        assert!(error.to_string().contains("\"other\""), "{error}");
        // Headers can be read without it.
        let member = &info(Cursor::new(&archive)).unwrap().members[0];
        assert_eq!(member.prior.as_ref(), Some(&wanted));
    }
}

#[test]
fn a_block_must_name_the_members_prior() {
    let archive = flushed(&[&prose(500)], &english_blocks());
    let start = MEMBER_HEADER + 32;
    for id in [[0; 4], [1, 2, 3, 4]] {
        let mut edited = archive.clone();
        edited[start + 18..start + 22].copy_from_slice(&id);
        let check = crc32c::crc32c(&edited[start..start + 22]);
        edited[start + 22..start + 26].copy_from_slice(&check.to_le_bytes());
        assert!(matches!(
            decompress(&edited),
            Err(Error::Corrupt { damage: Damage::Field { field: "prior", .. }, .. })
        ));
    }
}

#[test]
fn a_message_has_one_magic() {
    let archive = compress(&text(200), &with(&SMALL, Options::new(preset(1))));
    for id in [[0; 4], Prior::english().digest()[..4].try_into().unwrap()] {
        let mut edited = archive.clone();
        edited[4..8].copy_from_slice(&id);
        assert!(matches!(
            decompress_with(&edited, &knowing(&SMALL)),
            Err(Error::Corrupt { damage: Damage::Field { field: "prior", .. }, .. })
        ));
    }
    // Full members have no magic of their own.
    let mut full = flushed(&[&prose(100)], &english_blocks());
    full[1] = 0xD5;
    assert!(matches!(decompress(&full), Err(Error::Format { .. })));
}

#[test]
fn damage_to_messages_with_priors_is_an_error() {
    for (content, options) in
        [(prose(90), Options::new(preset(1))), (text(90), with(&SMALL, Options::new(preset(1))))]
    {
        let archive = compress(&content, &options);
        for length in 0..archive.len() {
            assert!(decompress_with(&archive[..length], &knowing(&SMALL)).is_err());
        }
        for at in 0..archive.len() {
            let mut damaged = archive.clone();
            damaged[at] ^= 1 << (at * 5 % 8);
            if let Ok(decoded) = decompress_with(&damaged, &knowing(&SMALL)) {
                assert!(decoded == content, "byte {at}");
            }
        }
    }
}

#[test]
fn damaged_priors_are_refused() {
    let file = small_file();
    let refused = |bytes: &[u8]| {
        matches!(Prior::from_bytes(bytes.to_vec(), "a test's"), Err(PriorError::Damaged { .. }))
    };
    assert!(!refused(&file));
    for length in 0..file.len() {
        assert!(refused(&file[..length]), "{length}");
    }
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(refused(&damaged), "{at}");
    }
    assert!(refused(&[&file[..], b"more"].concat()));
    // The same with a digest that agrees: no panic, and what does not unpack is an error later.
    let end = file.len() - 32;
    for at in 0..end {
        let mut forged = file[..end].to_vec();
        forged[at] ^= 1 << (at % 8);
        forged.extend_from_slice(blake3::hash(&forged).as_bytes());
        if at < 120 && at % 19 == 8 {
            if let Ok(prior) = Prior::from_bytes(forged, "forged") {
                let prior = Arc::new(prior);
                let plan = ModelPlan::for_block(preset(1), 1_000).with_prior(Some(prior.id()));
                let coder = ChunkCoder::new(plan, &Priors::new([prior]));
                assert!(coder.is_ok() || coder.err().unwrap().to_string().contains("unpacked"));
            }
        } else {
            let _ = Prior::from_bytes(forged, "forged");
        }
    }
}

#[test]
fn mixers_start_from_a_priors_weights() {
    let texts = [text(6_000), text(9_000)];
    let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    let weigh = |number| learn_weights(&texts, preset(number), &SMALL, &mut go_on).unwrap();
    let (first, second) = (weigh(2), weigh(5));
    assert!(first == weigh(2), "what is learned depends on the texts alone");
    let weights = vec![(preset(2), first.clone()), (preset(5), second)];
    let weighed = Arc::new(SMALL.with_weights("weighed", weights).unwrap());
    let content = text(3_000);
    for number in [1, 2, 5] {
        let options = Options::new(preset(number));
        let archive = compress(&content, &with(&weighed, options.clone()));
        assert!(decompress_with(&archive, &knowing(&weighed)).unwrap() == content);
        assert!(decompress_with(&archive, &knowing(&SMALL)).is_err());
        let before = compress(&content, &with(&SMALL, options)).len();
        assert!(if number == 1 { archive.len() == before } else { archive.len() < before }, "{number}");
    }

    // Bytes that no one packed: an error that names the prior, or other weights, and no panic.
    let broken = |packed: Vec<u8>| {
        let prior = Arc::new(SMALL.with_weights("forged", vec![(preset(2), packed)]).unwrap());
        let plan = ModelPlan::for_block(preset(2), 1_000).with_prior(Some(prior.id()));
        ChunkCoder::new(plan, &Priors::new([prior])).err().map(|error| error.to_string())
    };
    for at in (0..first.len()).step_by(first.len() / 8) {
        let mut forged = first.clone();
        forged[at] ^= 1 << (at % 8);
        assert!(broken(forged).is_none_or(|error| error.contains("\"forged\"")), "{at}");
    }
    let longer = [&first[..], &[0x55; 9]].concat();
    assert!(broken(longer).unwrap().contains("weights cannot be unpacked"));
    assert!(broken(vec![7]).unwrap().contains("weights cannot be unpacked"));
    assert!(broken(vec![0xFF; 200_000]).is_some());
}

/// Told to other processes by [`instruction_sets_agree_on_archives_with_priors`].
#[test]
fn digest_of_archives_with_priors() {
    let mut digest = blake3::Hasher::new();
    let table: Vec<u8> = (0..800u32).flat_map(|row| (row * row % 251).to_le_bytes()).collect();
    for preset in Preset::all() {
        for content in [text(700), table.clone(), [text(20_000), noise(20_000)].concat()] {
            let most = if preset == Preset::MAX { 1_000 } else { 10_000 };
            if preset.number() > 5 && content.len() > most {
                continue;
            }
            let archive = compress(&content, &with(Prior::english(), Options::new(preset)));
            assert!(decompress(&archive).unwrap() == content);
            digest.update(&archive);
            if content.len() < 1_000 {
                let options = with(Prior::english(), Options { checksum: false, ..Options::new(preset) });
                digest.update(&compress_raw(&content, &options, &mut go_on).unwrap());
            }
        }
    }
    println!("digest {}", digest.finalize());
}

#[test]
fn instruction_sets_agree_on_archives_with_priors() {
    let run = |simd: &str| {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "digest_of_archives_with_priors", "--nocapture"])
            .env("FORETOLD_SIMD", simd)
            .output()
            .unwrap();
        let told = String::from_utf8(child.stdout).unwrap();
        told.lines().find_map(|line| line.split_once("digest ")).expect("a digest").1.to_owned()
    };
    let scalar = run("scalar");
    for simd in ["avx2", "avx512", "neon"] {
        assert_eq!(run(simd), scalar, "{simd}");
    }
}

/// The weights of an untrained network, as a file.
fn network(hidden: usize, layers: usize) -> Vec<u8> {
    let mut tensors: Vec<(String, Vec<usize>)> =
        vec![("out".into(), vec![layers * hidden, 256]), ("out_bias".into(), vec![256])];
    for l in 0..layers {
        tensors.push((format!("embed.{l}"), vec![256, 3 * hidden]));
        tensors.push((format!("recur.{l}"), vec![hidden, 3 * hidden]));
        tensors.extend((l > 0).then(|| (format!("below.{}", l - 1), vec![hidden, 3 * hidden])));
        tensors.push((format!("gain.{l}"), vec![3, hidden]));
        tensors.push((format!("bias.{l}"), vec![3, hidden]));
    }
    file_of(&tensors)
}

/// Tensors of f32 as a file; `blend` of i8.
fn file_of(tensors: &[(String, Vec<usize>)]) -> Vec<u8> {
    use safetensors::Dtype;
    let value = |i: usize| ((i * 37 % 101) as f32 / 101.0 - 0.5).to_le_bytes();
    let values = |(name, shape): &(String, Vec<usize>)| match name.as_str() {
        "blend" => (0..shape.iter().product()).map(|i: usize| (i * 37 % 101) as u8).collect(),
        _ => (0..shape.iter().product()).flat_map(value).collect::<Vec<u8>>(),
    };
    let data: Vec<Vec<u8>> = tensors.iter().map(values).collect();
    let views = tensors.iter().zip(&data).map(|((name, shape), data)| {
        let dtype = if name == "blend" { Dtype::I8 } else { Dtype::F32 };
        let view = safetensors::tensor::TensorView::new(dtype, shape.clone(), data);
        (name.clone(), view.unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn a_prior_brings_its_own_network() {
    let content = text(700);
    let max = Options::new(Preset::MAX);
    let plain = compress(&content, &with(&SMALL, max.clone()));
    let own = Arc::new(SMALL.with_network("own", &network(64, 1), false).unwrap());
    assert_eq!((own.name(), own.network(), SMALL.network()), ("own", Some((1, 64)), None));
    assert_ne!(own.digest(), SMALL.digest());
    let archive = compress(&content, &with(&own, max));
    assert_ne!(archive, plain);
    assert!(decompress_with(&archive, &knowing(&own)).unwrap() == content);
    let missing = decompress(&archive).unwrap_err().to_string();
    assert!(missing.contains(&own.id().to_string()), "{missing}");
    // To other presets it is the prior it was.
    let nine = |prior| compress(&content, &with(prior, Options::new(preset(9))));
    assert_eq!(nine(&own).len(), nine(&SMALL).len());
    // A network can be replaced.
    let again = own.with_network("own", &network(64, 2), false).unwrap();
    assert_eq!(again.network(), Some((2, 64)));
}

/// The weights of a mixer network of two blends that says much, as a file.
fn mixer(hidden: usize, voices: usize, columns: usize) -> Vec<u8> {
    let width = 3 * hidden;
    let blended =
        foretold_codec::trace_columns(Preset::MAX).iter().filter(|c| c.starts_with("input ")).count();
    let logits = columns - blended;
    let mut tensors = vec![
        ("blend".to_string(), vec![2, blended]),
        ("blend.scale".into(), vec![2]),
        ("blend_bias".into(), vec![2]),
        ("inputs".into(), vec![logits + voices + 4, width]),
        ("recur".into(), vec![hidden, width]),
        ("gain".into(), vec![3, hidden]),
        ("bias".into(), vec![3, hidden]),
        ("head".into(), vec![hidden, voices + 4]),
        ("head_bias".into(), vec![voices + 4]),
        ("out_bias".into(), vec![256]),
    ];
    let tables = [256, 256, 8, 16, 8, 16].into_iter().enumerate();
    tensors.extend(tables.map(|(i, rows)| (format!("embed.{i}"), vec![rows, width])));
    file_of(&tensors)
}

#[test]
fn a_prior_brings_a_mixer_network() {
    let content = text(700);
    let names = foretold_codec::trace_columns(Preset::MAX);
    let (voices, logits) = (names.iter().position(|name| name == "final").unwrap(), names.len());
    let max = Options::new(Preset::MAX);
    let plain = compress(&content, &with(&SMALL, max.clone()));
    let own = Arc::new(SMALL.with_mixer("own", &mixer(32, voices, logits)).unwrap());
    assert_eq!((own.mixer(), own.network(), SMALL.mixer()), (Some(32), None, None));
    let archive = compress(&content, &with(&own, max));
    assert_ne!(archive, plain);
    assert!(decompress_with(&archive, &knowing(&own)).unwrap() == content);
    // To other presets it is the prior it was.
    let nine = |prior| compress(&content, &with(prior, Options::new(preset(9))));
    assert_eq!(nine(&own).len(), nine(&SMALL).len());
    // Beside a network, in either order.
    let both = own.with_network("both", &network(64, 1), false).unwrap();
    let other = SMALL.with_network("both", &network(64, 1), false).unwrap();
    let other = other.with_mixer("both", &mixer(32, voices, logits)).unwrap();
    assert_eq!((both.mixer(), both.network(), both.digest()), (Some(32), Some((1, 64)), other.digest()));
    let error = |weights: &[u8]| SMALL.with_mixer("own", weights).unwrap_err().to_string();
    let fewer = error(&mixer(32, voices - 1, logits));
    assert!(fewer.contains(&format!("made for {} voices of {logits} columns", voices - 1)), "{fewer}");
    assert!(error(&mixer(128, voices, logits)).contains("1048576 are the most"));
    assert!(error(b"").contains("its mixer network: not a safetensors file"));
}

#[test]
fn a_frozen_network_computes_with_integers_and_stays_as_it_is() {
    let content = text(700);
    let max = Options::new(Preset::MAX);
    let learning = Arc::new(SMALL.with_network("own", &weights(64, 127), false).unwrap());
    let frozen = Arc::new(SMALL.with_network("own", &weights(64, 127), true).unwrap());
    assert!(frozen.has_frozen_network() && !learning.has_frozen_network());
    assert_ne!(frozen.digest(), learning.digest());
    let archive = compress(&content, &with(&frozen, max.clone()));
    assert!(decompress_with(&archive, &knowing(&frozen)).unwrap() == content);
    assert_ne!(archive, compress(&content, &with(&learning, max.clone())));
    // Its state goes into checkpoints.
    let mut compressor = Compressor::new(with(&frozen, max)).unwrap();
    let (mut out, mut saved) = (Vec::new(), Vec::new());
    compressor.push(&content[..300], &mut out, &mut go_on).unwrap();
    compressor.flush(&mut out, &mut go_on).unwrap();
    compressor.save(&mut saved).unwrap();
    let mut again = Compressor::load(&mut saved.as_slice(), Some(&frozen)).unwrap();
    let mut ends = [Vec::new(), Vec::new()];
    for (compressor, end) in [&mut compressor, &mut again].into_iter().zip(&mut ends) {
        compressor.push(&content[300..], end, &mut go_on).unwrap();
        compressor.finish(end, &mut go_on).unwrap();
    }
    assert_eq!(ends[0], ends[1]);
    out.extend(&ends[0]);
    assert!(decompress_with(&out, &knowing(&frozen)).unwrap() == content);
    let floats = SMALL.with_network("own", &network(64, 1), true).unwrap_err().to_string();
    assert!(floats.contains("holds floats; a frozen network has int8 or int4 weights"), "{floats}");
}

#[test]
fn networks_of_other_kinds_learn_in_an_archive_or_stay_as_they_are() {
    let content = text(700);
    let max = Options::new(Preset::MAX);
    let archive_of = |prior: &Arc<Prior>| compress(&content, &with(prior, max.clone()));
    for frozen in [false, true] {
        let plain = Arc::new(SMALL.with_network("own", &weights(64, 127), frozen).unwrap());
        assert_eq!((plain.network_gates(), plain.network_hears_match()), (Some(3), false));
        for (gates, hears_match) in [(4, false), (3, true)] {
            let weights = weights_with(64, 127, gates, hears_match);
            let own = Arc::new(SMALL.with_network("own", &weights, frozen).unwrap());
            assert_eq!((own.network(), own.network_gates()), (Some((1, 64)), Some(gates)));
            assert_eq!(own.network_hears_match(), hears_match);
            let archive = archive_of(&own);
            assert!(decompress_with(&archive, &knowing(&own)).unwrap() == content);
            assert_ne!(archive, archive_of(&plain));
            // Its state goes into checkpoints.
            let mut compressor = Compressor::new(with(&own, max.clone())).unwrap();
            let (mut out, mut saved) = (Vec::new(), Vec::new());
            compressor.push(&content[..300], &mut out, &mut go_on).unwrap();
            compressor.save(&mut saved).unwrap();
            let mut again = Compressor::load(&mut saved.as_slice(), Some(&own)).unwrap();
            again.push(&content[300..], &mut out, &mut go_on).unwrap();
            again.finish(&mut out, &mut go_on).unwrap();
            assert!(out == archive);
        }
    }
}

#[test]
fn networks_that_are_damaged_or_too_large_are_refused() {
    let error = |weights: &[u8]| SMALL.with_network("own", weights, false).unwrap_err().to_string();
    let whole = network(64, 1);
    assert!(error(&whole[..whole.len() - 4]).contains("its network: not a safetensors file"));
    let large = error(&network(448, 2));
    assert!(large.contains("2 layers of 448 units, which take more memory than 2 of 384"), "{large}");
    let large = error(&weights_with(832, 7, 4, false));
    assert!(large.contains("1 layers of 832 units with 4 gates, which take more memory"), "{large}");
    let unlike = error(&weights_with(64, 7, 5, false));
    assert!(unlike.contains("its metadata says that cells have \"5\" gates; they have 3 or 4"), "{unlike}");
}

#[test]
fn max_does_not_depend_on_threads_and_stops_where_it_is_told() {
    let content = text(900);
    let options = Options::new(Preset::MAX);
    let wanted = compress(&content, &options);
    let two = Options { threads: 2, ..options };
    assert_eq!(compress(&content, &two), wanted);
    let limits = Limits { threads: 2, ..Limits::default() };
    assert!(decompress_with(&wanted, &limits).unwrap() == content);
    let small = Limits { max_memory: 100 << 20, ..Limits::default() };
    assert!(matches!(decompress_with(&wanted, &small), Err(Error::Memory { .. })));
}

/// The file of a prior for preset 9 of so many slots, of which nobody knows what they say.
fn large_file(slots: u32) -> Vec<u8> {
    let training = Training {
        preset: preset(9),
        name: "large".into(),
        max_bytes: 1 << 20,
        transform: Transform::None,
        knowledge: Knowledge::None,
    };
    let file = foretold_codec::train(&[&text(3_000)], &training, &mut go_on).unwrap();
    // Section 3 is the only one, behind magic, generation and name: 19 bytes of numbers, three parts, and the slots.
    let start = 10 + training.name.len() + 5;
    let length = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let parts: usize = (0..3).map(|part| length(start + 7 + 4 * part)).sum();
    let mut learned = file[start..start + 19 + parts].to_vec();
    learned[3..7].copy_from_slice(&slots.to_le_bytes());
    learned.extend(noise(slots as usize));
    let content = PriorContent { learned: Some(learned), ..PriorContent::default() };
    Prior::to_bytes("large", &content).unwrap()
}

#[test]
#[ignore = "heavy: a prior of 17 million slots"]
fn a_long_content_has_room_for_a_large_prior() {
    let prior = Arc::new(made(&large_file((1 << 24) + 1)));
    let options = with(&prior, Options { transform: Transform::None, ..Options::new(preset(9)) });
    for (length, size_class) in [(600_000, 21), (50_000, 16)] {
        let content = text(length);
        let archive = compress(&content, &options);
        let described = info(Cursor::new(&archive)).unwrap();
        assert_eq!(described.members[0].size_class, size_class);
        assert_eq!(described.members[0].compact, length == 50_000);
        // Expanded by someone else.
        let again = Arc::new(made(prior.file()));
        assert_eq!(decompress_with(&archive, &knowing(&again)).unwrap(), content);
    }
}
