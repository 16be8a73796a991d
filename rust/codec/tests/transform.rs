//! Transformed chunks: their contents come back, damaged ones are refused, and a state in their
//! midst continues.

mod common;

use common::{Random, awkward, compress, decompress, go_on, noise, preset, text};
use foretold_codec::{
    ChunkCoder, EngineError, Limits, ModelPlan, Options, Prior, Priors, Transform, code_lengths, probe,
};

/// Sentences of many words in several scripts and cases, different for each seed.
fn prose(bytes: usize, seed: u64) -> Vec<u8> {
    const WORDS: [&str; 20] = [
        "what",
        "Foretold",
        "needs",
        "few",
        "BITS",
        "and",
        "the",
        "rest",
        "costs",
        "more",
        "Übung",
        "weiß",
        "слово",
        "λόγος",
        "naïve",
        "iPhone",
        "a",
        "I",
        "don't",
        "كتاب",
    ];
    let mut random = Random::new(seed);
    let mut prose = Vec::new();
    while prose.len() < bytes {
        prose.extend_from_slice(WORDS[random.below(WORDS.len())].as_bytes());
        if random.below(50) == 0 {
            let rare = [b'\x01', b'\x03', b'\xff', b'\x04', b'Q'];
            prose.push(rare[random.below(rare.len())]);
        }
        prose.extend_from_slice([" ", " ", ", ", ".\n"][random.below(4)].as_bytes());
    }
    prose.truncate(bytes);
    prose
}

fn coder(number: u8) -> ChunkCoder {
    ChunkCoder::new(ModelPlan::for_block(preset(number), 1 << 16), &Priors::default()).unwrap()
}

fn words(number: u8) -> Options {
    Options { transform: Transform::Words, ..Options::new(preset(number)) }
}

#[test]
fn transformed_contents_come_back_with_every_preset() {
    for number in 1..=9 {
        let content = prose(if number < 8 { 60_000 } else { 9_000 }, number.into());
        let archive = compress(&content, &words(number));
        assert_eq!(archive[3] >> 4, 5, "preset {number}: the chunk is transformed");
        assert!(decompress(&archive).unwrap() == content, "preset {number}");
    }
}

#[test]
fn awkward_contents_come_back_transformed_or_not() {
    for (name, content) in awkward() {
        for transform in Transform::ALL {
            let archive = compress(&content, &Options { transform, ..words(1) });
            assert!(decompress(&archive).unwrap() == content, "{name}, {}", transform.name());
        }
    }
}

#[test]
fn names_of_transforms_are_read_back() {
    for transform in Transform::ALL {
        assert_eq!(Transform::from_name(transform.name()), Some(transform));
    }
    assert_eq!(Transform::from_name("word"), None);
}

#[test]
fn a_block_mixes_chunks_of_all_methods_and_states_continue_between_them() {
    let parts = [
        (prose(20_000, 1), Transform::Words),
        (noise(300), Transform::Words),
        (prose(5_000, 2), Transform::None),
        (prose(20_000, 3), Transform::Words),
        ((0..2_000u32).flat_map(u32::to_le_bytes).collect(), Transform::Words),
        (prose(9_000, 4), Transform::Words),
    ];
    let (mut straight, mut saved, mut decoder) = (coder(2), coder(2), coder(2));
    let mut methods = Vec::new();
    for (content, transform) in &parts {
        let chunk = straight.encode(content, *transform, &mut go_on).unwrap();
        let mut state = Vec::new();
        saved.save(&mut state).unwrap();
        saved = ChunkCoder::load(saved.plan(), &Priors::default(), &mut state.as_slice()).unwrap();
        assert!(saved.encode(content, *transform, &mut go_on).unwrap() == chunk);
        let mut state = Vec::new();
        decoder.save(&mut state).unwrap();
        decoder = ChunkCoder::load(decoder.plan(), &Priors::default(), &mut state.as_slice()).unwrap();
        let mut decoded = Vec::new();
        decoder.decode(chunk.method, &chunk.payload, content.len(), &mut decoded, &mut go_on).unwrap();
        assert!(decoded == *content);
        methods.push(chunk.method);
    }
    assert_eq!(methods, [5, 2, 1, 5, 3, 5]);
}

#[test]
fn a_transformed_chunk_may_be_stored() {
    let (mut encoder, mut one, mut other) = (coder(1), coder(1), coder(1));
    let coded = b"@the@word\n\n\n\x01\x80 \x81 and \x02\x81\x03\x01\x04\xff";
    let text = b"The word and WORD\x01\xff";
    let mut content = Vec::new();
    one.decode(4, coded, text.len(), &mut content, &mut go_on).unwrap();
    assert_eq!(content, text);
    // Both learned the same, so that what follows agrees.
    other.decode(4, coded, text.len(), &mut Vec::new(), &mut go_on).unwrap();
    encoder.decode(4, coded, text.len(), &mut Vec::new(), &mut go_on).unwrap();
    let next = prose(3_000, 5);
    let chunk = encoder.encode(&next, Transform::Words, &mut go_on).unwrap();
    for decoder in [&mut one, &mut other] {
        let mut decoded = Vec::new();
        decoder.decode(chunk.method, &chunk.payload, next.len(), &mut decoded, &mut go_on).unwrap();
        assert!(decoded == next);
    }
    for wrong in [text.len() - 1, text.len() + 1, 3] {
        let refused = coder(1).decode(4, coded, wrong, &mut Vec::new(), &mut go_on).unwrap_err();
        assert!(matches!(refused, EngineError::BadPayload { .. }), "{wrong}: {refused}");
    }
}

#[test]
fn hostile_payloads_of_transformed_chunks_end_in_errors() {
    let sound = coder(1).encode(&prose(6_000, 6), Transform::Words, &mut go_on).unwrap();
    assert_eq!(sound.method, 5);
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut payload = if seed % 2 == 0 { noise(random.below(600)) } else { sound.payload.clone() };
        for _ in 0..1 + random.below(4) {
            if !payload.is_empty() {
                let at = random.below(payload.len());
                payload[at] ^= 1 << random.below(8);
            }
        }
        for method in [4, 5] {
            let mut content = Vec::new();
            let result = coder(1).decode(method, &payload, 6_000, &mut content, &mut go_on);
            match result {
                // Damage in a payload often decodes to something: the container's check sees it.
                Ok(()) => assert_eq!(content.len(), 6_000),
                Err(EngineError::BadTransform(_) | EngineError::BadPayload { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn unknown_methods_are_refused() {
    // Presets from 3 on have structured text, and so methods 6, 7 and 15.
    let unknown = [(1, &[6, 7, 10, 12, 14, 15, 16][..]), (8, &[10, 12, 14, 16, 255])];
    for (preset, methods) in unknown {
        for &method in methods {
            let refused = coder(preset).decode(method, b"", 1, &mut Vec::new(), &mut go_on).unwrap_err();
            assert!(matches!(refused, EngineError::UnknownMethod(found) if found == method));
        }
    }
}

#[test]
fn code_lengths_of_a_transformed_text_add_up_to_its_payload() {
    let content = prose(50_000, 7);
    let options = words(1);
    let bits = code_lengths(&content, &options, &mut go_on).unwrap();
    assert_eq!(bits.len(), content.len());
    let coded = probe(&content, content.len() as u64, &options, &mut go_on).unwrap().coded_bytes;
    let total: f64 = bits.iter().sum();
    assert!((total / 8.0 - coded as f64).abs() < 8.0, "{total} bits, {coded} bytes");
    let plain =
        code_lengths(&content, &Options { transform: Transform::None, ..options }, &mut go_on).unwrap();
    assert!(plain != bits);
}

#[test]
fn a_tick_hears_of_every_content_byte_once() {
    let content = [prose(100_000, 8), text(10_000)].concat();
    let mut heard = 0;
    let options = words(1);
    let archive = foretold_codec::compress(&content, &options, &mut |bytes| {
        heard += bytes;
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(heard, content.len());
    heard = 0;
    foretold_codec::decompress(&archive, &Limits::default(), &mut |bytes| {
        heard += bytes;
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(heard, content.len());
}

#[test]
fn chunks_of_a_coder_that_knows_english_come_back_and_go_on_from_a_state() {
    let story = "“It was late,” she said—and the garden, where nobody walked, was dark. Borogoves slept.\n";
    let chunks = [story.to_string(), story.repeat(40), "0123,4567\n".repeat(9), story.repeat(3)];
    let mut go = go_on;
    let go = &mut go;
    for number in [1, 5, 9] {
        let plain = ModelPlan::for_block(preset(number), 1 << 13);
        let plan = plain.with_prior(Some(Prior::english().id()));
        let priors = Priors::default();
        let mut encoder = ChunkCoder::new(plan, &priors).unwrap();
        let mut decoder = ChunkCoder::new(plan, &priors).unwrap();
        for (index, chunk) in chunks.iter().enumerate() {
            let coded = encoder.encode(chunk.as_bytes(), Transform::Auto, go).unwrap();
            assert_eq!(coded.method & 4 != 0, index != 2, "preset {number}, chunk {index}");
            let mut content = Vec::new();
            decoder.decode(coded.method, &coded.payload, chunk.len(), &mut content, go).unwrap();
            assert!(content == chunk.as_bytes());
            let mut state = Vec::new();
            decoder.save(&mut state).unwrap();
            assert!(
                ChunkCoder::load(plain, &priors, &mut state.as_slice()).is_err(),
                "what it starts from must agree"
            );
            decoder = ChunkCoder::load(plan, &priors, &mut state.as_slice()).unwrap();
        }
    }
}
