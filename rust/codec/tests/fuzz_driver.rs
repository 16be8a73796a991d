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

fn drive(rounds: u64) {
    for seed in 0..rounds {
        let mut random = Random::new(seed);
        let data = input(&mut random);
        bodies::decode_anything(&data);
        bodies::round_trip(&data);
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
