//! Raw messages: they come back given what they do not say, and what no encoder writes is refused.

mod common;

use std::sync::Arc;

use common::{awkward, go_on, noise, preset, text};
use foretold_codec::{
    Damage, Error, FittedNetwork, Knowledge, Options, Prior, PriorError, Training, Transform,
};

fn raw(content: &[u8], options: &Options) -> Vec<u8> {
    foretold_codec::compress_raw(content, options, &mut go_on).unwrap()
}

fn back(raw: &[u8], content_bytes: usize, options: &Options) -> Result<Vec<u8>, Error> {
    foretold_codec::decompress_raw(raw, content_bytes, options, &mut go_on)
}

fn plain(number: u8) -> Options {
    Options { checksum: false, knowledge: Knowledge::None, ..Options::new(preset(number)) }
}

fn logs(lines: std::ops::Range<usize>) -> Vec<u8> {
    let line = |i: usize| format!("level=info event=sent to=nobody size={} took={}ms\n", i % 97, i * i % 13);
    lines.map(line).collect::<String>().into_bytes()
}

fn learned(knowledge: Knowledge, samples: &[&[u8]]) -> Arc<Prior> {
    let training = Training {
        name: "raw".into(),
        preset: preset(2),
        max_bytes: 1 << 20,
        knowledge,
        transform: Transform::Auto,
    };
    let file = foretold_codec::train(samples, &training, &mut go_on).unwrap();
    Arc::new(Prior::from_bytes(file, "raw").unwrap())
}

#[test]
fn awkward_contents_come_back_and_none_grows() {
    for number in [1, 2, 8] {
        for (name, content) in awkward() {
            let content = if number == 8 { &content[..content.len().min(6_000)] } else { &content };
            for knowledge in [Knowledge::Auto, Knowledge::None, Knowledge::Prior(Prior::english().clone())] {
                for checksum in [false, true] {
                    let options = Options { checksum, knowledge: knowledge.clone(), ..plain(number) };
                    let raw = raw(content, &options);
                    let most = content.len() + if checksum { 4 } else { 0 };
                    assert!(raw.len() <= most, "{name}: {} bytes", raw.len());
                    assert!(back(&raw, content.len(), &options).unwrap() == content, "{name}, {number}");
                }
            }
        }
    }
}

#[test]
fn what_surrounds_a_payload_is_saved() {
    for content in [text(2_000), vec![b'7'; 900], logs(0..30)] {
        let archive = common::compress(&content, &plain(1));
        assert_eq!(archive[3], 0x11, "preset 1, coded text");
        // Magic, tag, preset and method, two lengths. What is usual takes a hundredth of a byte.
        let payload = archive.len() - 8;
        assert!((payload..=payload + 1).contains(&raw(&content, &plain(1)).len()));
    }
}

#[test]
fn a_message_of_a_learned_prior_is_its_payload() {
    let samples = logs(0..3_000);
    let pieces: Vec<&[u8]> = samples.chunks(512).collect();
    let prior = learned(Knowledge::None, &pieces);
    let options = Options { knowledge: Knowledge::Prior(prior.clone()), ..plain(2) };
    let message = logs(5_000..5_008);
    let raw = raw(&message, &options);
    let archive = common::compress(&message, &options);
    assert!(raw.len() + 12 <= archive.len() + 1 && raw.len() * 8 < message.len());
    assert!(back(&raw, message.len(), &options).unwrap() == message);
    let other = Options { knowledge: options.knowledge.clone(), ..plain(1) };
    for result in
        [back(&raw, message.len(), &other), foretold_codec::compress_raw(&message, &other, &mut go_on)]
    {
        assert!(matches!(result, Err(Error::Prior(PriorError::OtherPreset { .. }))));
    }
    for wrong in [plain(2), Options { knowledge: Knowledge::Auto, ..plain(2) }] {
        assert!(back(&raw, message.len(), &wrong).map_or(true, |found| found != message));
    }
}

#[test]
fn transformed_text_comes_back() {
    let prose = text(3_000);
    let pieces: Vec<&[u8]> = prose.chunks(500).collect();
    let prior = learned(Knowledge::Auto, &pieces);
    for knowledge in [Knowledge::Auto, Knowledge::Prior(prior)] {
        let options = Options { knowledge, ..plain(2) };
        for content in [&prose[..900], &text(70_000), &logs(0..9), &noise(100)] {
            let raw = raw(content, &options);
            assert!(back(&raw, content.len(), &options).unwrap() == content);
        }
    }
    let options = Options { transform: Transform::Words, ..plain(1) };
    let content = text(100_000);
    assert!(raw(&content, &options) != raw(&content, &plain(1)));
    assert!(back(&raw(&content, &options), content.len(), &plain(1)).unwrap() == content);
}

#[test]
fn what_no_encoder_writes_is_refused() {
    let content = text(2_000);
    let options = plain(1);
    let good = raw(&content, &options);
    let refused = |raw: &[u8], size: usize| match back(raw, size, &options) {
        Err(Error::Raw(Damage::Payload(why))) => why,
        other => panic!("{:?}", other.map(|content| content.len())),
    };
    assert!(refused(&[&good[..], &[0]].concat(), 2_000).contains("no content of 2000 bytes"));
    assert!(refused(&[&good[..], &[1, 2, 3, 4, 5]].concat(), 2_000).contains("no content of 2000 bytes"));
    assert!(refused(&good, 3).contains("a content of 3 has as many at most"));
    assert!(refused(b"x", 0).contains("a content of 0 has as many at most"));
    // Bytes that are read, but that a shorter end would do without.
    let one = raw(b"hihihihihihi", &options);
    let longer = [&one[..], &[1]].concat();
    assert_eq!(refused(&longer, 12), "no content of 12 bytes is coded as these 5 bytes");
    // All else has some content.
    for by in 1..=40 {
        for (raw, size) in [(&good[..good.len() - by], 2_000), (&good[..], 2_000 + by * 50)] {
            if let Ok(other) = back(raw, size, &options) {
                assert!(other.len() == size && other != content);
            }
        }
    }
}

#[test]
fn a_check_finds_every_flipped_bit() {
    let content = text(300);
    let options = Options { checksum: true, ..plain(1) };
    let good = raw(&content, &options);
    for at in 0..good.len() * 8 {
        let mut damaged = good.clone();
        damaged[at / 8] ^= 1 << (at % 8);
        assert!(matches!(back(&damaged, 300, &options), Err(Error::Raw(_))), "bit {at}");
    }
    for end in 0..good.len() {
        assert!(matches!(back(&good[..end], 300, &options), Err(Error::Raw(_))), "{end} bytes");
    }
    let stored = raw(&noise(50), &options);
    assert_eq!(stored.len(), 54);
    assert!(matches!(back(&[&[1], &stored[1..]].concat(), 50, &options), Err(Error::Raw(_))));
}

#[test]
fn what_a_raw_message_cannot_be_is_a_parameters_error() {
    let options = plain(1);
    let long = vec![b'a'; (1 << 20) + 1];
    let network = Arc::new(FittedNetwork::from_safetensors(&common::weights(64, 3)).unwrap());
    let refused = [
        foretold_codec::compress_raw(&long, &options, &mut go_on),
        back(b"a", long.len(), &options),
        back(b"a", usize::MAX, &options),
        back(b"a", 9, &Options { block_size: Some(1 << 16), ..options.clone() }),
        back(b"a", 9, &Options { network: Some(network), ..plain(10) }),
    ];
    for result in refused {
        assert!(matches!(result, Err(Error::Parameter(_))));
    }
    let most = &long[1..];
    assert!(back(&raw(most, &options), most.len(), &options).unwrap() == most);
}

/// Digests of what each preset writes of one content: a change is one of the format.
#[test]
fn raw_messages_stay_as_they_are() {
    let content = [&text(400)[..], &logs(0..4)].concat();
    let written = (1..=10).map(|number| {
        let raw = raw(&content, &plain(number));
        assert!(back(&raw, content.len(), &plain(number)).unwrap() == content);
        format!("{:08x}", crc32c::crc32c(&raw))
    });
    let written: Vec<_> = written.collect();
    assert_eq!(written, GOLDEN);
}

const GOLDEN: [&str; 10] = [
    "0404e6c3", "a84ed255", "34b7edf0", "bbbcb9cb", "9eac2911", "54f2a2ab", "e4081b97", "121a8a6b",
    "966b9237", "8982b823",
];
