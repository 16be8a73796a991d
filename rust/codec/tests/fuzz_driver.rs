//! The fuzz targets' bodies on seeded random inputs, without a fuzzer.

mod common;

#[path = "../../../fuzz/bodies.rs"]
mod bodies;

use common::{Random, compress, flushed, noise, small_blocks, text};

/// Random bytes, or a sound archive with some bytes changed, or text.
fn input(random: &mut Random) -> Vec<u8> {
    let bytes = random.below(400);
    let mut input = match random.below(5) {
        0 => noise(bytes),
        1 => text(bytes),
        2 => compress(&text(bytes), &small_blocks()),
        3 => [compress(&noise(bytes), &small_blocks()), compress(b"more", &small_blocks())].concat(),
        _ => flushed(&[&text(bytes), &noise(20)], &small_blocks()),
    };
    for _ in 0..random.below(4) {
        if !input.is_empty() {
            let at = random.below(input.len());
            input[at] ^= 1 << random.below(8);
        }
    }
    input
}

/// A length, a dictionary that may be sound, and a text with codes that may be.
fn coded(random: &mut Random) -> Vec<u8> {
    const PARTS: [&[u8]; 12] = [
        b"@the",
        b"Bing",
        b"\n",
        b"\n\n",
        b"\x80",
        b"\x81 ",
        b"\x01",
        b"\x02",
        b"\x03\x01",
        b"\x04\xc3\xa9",
        b"word",
        b"\xd0\x80",
    ];
    let mut coded = vec![random.below(256) as u8, random.below(2) as u8];
    coded.extend_from_slice(if random.below(3) == 0 { b"" } else { b"@the@word\n\n\n" });
    while coded.len() < 200 {
        coded.extend_from_slice(PARTS[random.below(PARTS.len())]);
    }
    coded
}

fn drive(rounds: u64) {
    for seed in 0..rounds {
        let mut random = Random::new(seed);
        let data = input(&mut random);
        bodies::decode_anything(&data);
        bodies::round_trip(&data);
        bodies::raw(&data);
        bodies::coded_text(&data);
        bodies::coded_text(&coded(&mut random));
        if seed % 8 == 0 {
            bodies::packed_weights(&data);
            bodies::prior(&[&[random.next() as u8, random.next() as u8], &data[..]].concat());
        }
        let header: Vec<u8> = (0..18).map(|_| random.next() as u8).collect();
        bodies::edited_archive(&[header, data].concat());
    }
}

#[test]
fn fuzz_bodies_hold_on_a_few_inputs() {
    drive(40);
}

#[test]
#[ignore = "heavy: ten thousand inputs"]
fn fuzz_bodies_hold_on_many_inputs() {
    drive(10_000);
}
