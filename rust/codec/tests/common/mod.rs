//! What the container's suites share.
#![allow(dead_code)]

use std::ops::ControlFlow;

use foretold_codec::{Compressor, Decompressor, Error, Knowledge, Limits, Options, Preset};
use foretold_recompress::{Carry, Notes, Recipe};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// A tick that lets everything go on.
pub fn go_on(_: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// A seeded generator of 64-bit values (xorshift*; S. Vigna, An experimental exploration of
/// Marsaglia's xorshift generators, scrambled, 2016).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(2).wrapping_add(1))
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 11) as usize % bound.max(1)
    }
}

/// Bytes without any structure.
pub fn noise(bytes: usize) -> Vec<u8> {
    let mut random = Random::new(bytes as u64 + 1);
    (0..bytes).map(|_| (random.next() >> 56) as u8).collect()
}

/// Words of a small vocabulary, so that every model has something to learn.
pub fn text(bytes: usize) -> Vec<u8> {
    const WORDS: [&str; 12] =
        ["what", "is", "well", "foretold", "needs", "few", "bits", "and", "the", "rest", "costs", "more"];
    let mut random = Random::new(bytes as u64);
    let mut text = Vec::with_capacity(bytes + 10);
    while text.len() < bytes {
        text.extend_from_slice(WORDS[random.below(WORDS.len())].as_bytes());
        text.push(if random.below(12) == 0 { b'\n' } else { b' ' });
    }
    text.truncate(bytes);
    text
}

/// English of so many bytes.
pub fn prose(bytes: usize) -> Vec<u8> {
    let text = [include_str!("../../../../docs/ARCHITECTURE.md"), include_str!("../../../../docs/FORMAT.md")];
    text.concat().into_bytes().into_iter().cycle().take(bytes).collect()
}

/// Inputs that have broken compressors before.
pub fn awkward() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", Vec::new()),
        ("one byte", vec![0]),
        ("a mark", vec![0xF7]),
        ("all values", (0..=255).collect()),
        ("a long run", vec![b'a'; 70_000]),
        ("invalid UTF-8", b"\xff\xfe\xc0\x80\xed\xa0\x80 text \xf0\x9f".repeat(20)),
        ("noise", noise(3_000)),
        ("text", text(5_000)),
        ("text and noise", [text(2_000), noise(2_000), text(2_000)].concat()),
        ("longest narrow message", text(65_535)),
        ("shortest wide message", text(65_536)),
    ]
}

/// A weights' file of one layer; most rows are zeros.
pub fn weights(hidden: usize, most: i8) -> Vec<u8> {
    weights_with(hidden, most, 3, false)
}

/// The same with so many gates, and perhaps with what a network needs that hears match models.
pub fn weights_with(hidden: usize, most: i8, gates: usize, hears_match: bool) -> Vec<u8> {
    let mut random = Random::new(hidden as u64);
    let mut tensors = Vec::new();
    let width = gates * hidden;
    let mut matrices = vec![("embed.0", 256, width), ("recur.0", hidden, width), ("out", hidden, 256)];
    if hears_match {
        matrices.extend([("match_byte", 256, width), ("match_class", 16, width)]);
    }
    for (name, rows, columns) in matrices {
        let mut integers = Vec::new();
        for row in 0..rows {
            let most = if row % 9 == 0 { most as usize } else { 0 };
            let integer = |at: usize| (at as i32 - most as i32) as i8 as u8;
            integers.extend((0..columns).map(|_| integer(random.below(2 * most + 1))));
        }
        let scales = (0..rows).flat_map(|row| (0.01 + row as f32 / 5000.0).to_le_bytes()).collect();
        tensors.push((name.to_string(), Dtype::I8, vec![rows, columns], integers));
        tensors.push((format!("{name}.scale"), Dtype::F32, vec![rows], scales));
    }
    let floats = |n: usize| (0..n).flat_map(|i| (1.0 - i as f32 / 300.0).to_le_bytes()).collect::<Vec<u8>>();
    for name in ["gain.0", "bias.0"] {
        tensors.push((name.into(), Dtype::F32, vec![gates, hidden], floats(gates * hidden)));
    }
    tensors.push(("out_bias".into(), Dtype::F32, vec![256], floats(256)));
    if hears_match {
        tensors.push(("match_bias".into(), Dtype::F32, vec![16], floats(16)));
    }
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (name.clone(), TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    let told = (gates != 3).then(|| [("gates".to_string(), gates.to_string())].into());
    safetensors::serialize(views, told).unwrap()
}

pub fn preset(number: u8) -> Preset {
    Preset::new(number).expect("1 to 10")
}

/// Small blocks, so that short contents have several; they start from nothing.
pub fn small_blocks() -> Options {
    Options { knowledge: Knowledge::None, ..english_blocks() }
}

/// The same, but [`text`] starts from English.
pub fn english_blocks() -> Options {
    Options { block_size: Some(64 << 10), ..Options::new(preset(1)) }
}

/// Bytes of a full member's header where nothing is known beforehand, of a block's, of a chunk's.
pub const MEMBER_HEADER: usize = 22;
pub const BLOCK_HEADER: usize = 26;
pub const CHUNK_HEADER: usize = 11;

pub fn compress(content: &[u8], options: &Options) -> Vec<u8> {
    foretold_codec::compress(content, options, &mut go_on).expect("compression works")
}

pub fn decompress(archive: &[u8]) -> Result<Vec<u8>, Error> {
    foretold_codec::decompress(archive, &Limits::default(), &mut go_on)
}

/// The archive that a stream writes when it is flushed after each of `parts`.
pub fn flushed(parts: &[&[u8]], options: &Options) -> Vec<u8> {
    let mut compressor = Compressor::new(options.clone()).unwrap();
    let mut archive = Vec::new();
    for part in parts {
        compressor.push(part, &mut archive, &mut go_on).unwrap();
        compressor.flush(&mut archive, &mut go_on).unwrap();
    }
    compressor.finish(&mut archive, &mut go_on).unwrap();
    archive
}

/// What a stream gives out, fed piece by piece, and how it ends.
pub fn stream_out(archive: &[u8], piece: usize, limits: &Limits) -> (Vec<u8>, Result<(), Error>) {
    let mut decompressor = Decompressor::new(limits.clone()).unwrap();
    let mut content = Vec::new();
    for data in archive.chunks(piece) {
        if let Err(error) = decompressor.push(data, &mut content, None, &mut go_on) {
            return (content, Err(error));
        }
    }
    let end = decompressor.end_of_input();
    (content, end)
}

/// A recipe's numbers, as they come.
struct Numbers(std::vec::IntoIter<u32>);

impl Notes for Numbers {
    fn bit(&mut self, _: usize, _: bool) -> bool {
        self.0.next() == Some(1)
    }

    fn number(&mut self, _: usize, _: u32) -> u32 {
        self.0.next().unwrap_or(0)
    }

    fn plain(&mut self, _: u32, _: u32) -> u32 {
        self.0.next().unwrap_or(0)
    }
}

/// A gzip file as gzip makes it at level 6.
pub fn gzip(text: &[u8]) -> Vec<u8> {
    let stream = |full: usize| {
        // Level, tokens of a block, bits of hashes and window; as many full blocks, and the rest.
        let start = [1, 0, text.len() as u32, 0, 0, 5, 8, 7, 6, 0];
        let blocks = [1, 0, 2, 0, 0].repeat(full);
        let end = [1, 1, 2, 1, 0, 0, 0, 0, 2, 0, 0];
        let numbers = [&start[..], &blocks[..], &end[..]].concat();
        let mut recipe = Recipe::default();
        recipe.code(&mut Numbers(numbers.into_iter())).unwrap();
        let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
        recipe.recompress(text, &mut Carry::default(), &mut out, text.len()).ok().map(|()| out)
    };
    (0..).map_while(stream).last().expect("one block is enough")
}
