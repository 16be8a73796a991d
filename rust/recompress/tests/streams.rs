//! Streams come back bit for bit, whatever they are and whatever a recipe says.

use std::collections::HashMap;

use foretold_recompress::{BITS, Carry, Expanded, Found, NUMBERS, Notes, Recipe, expand, survey};
use proptest::prelude::*;

const MOST: usize = 1 << 20;

/// Keeps a recipe's numbers, or gives them out.
#[derive(Default)]
struct Kept {
    numbers: Vec<u32>,
    /// Where reading is; `None` while it writes.
    at: Option<usize>,
}

impl Kept {
    fn next(&mut self, number: u32) -> u32 {
        match &mut self.at {
            None => {
                self.numbers.push(number);
                number
            }
            Some(at) => {
                *at += 1;
                self.numbers.get(*at - 1).copied().unwrap_or(0)
            }
        }
    }
}

impl Notes for Kept {
    fn bit(&mut self, context: usize, bit: bool) -> bool {
        assert!(context < BITS);
        self.next(bit.into()) & 1 != 0
    }

    fn number(&mut self, context: usize, number: u32) -> u32 {
        assert!(context < NUMBERS);
        self.next(number)
    }

    fn plain(&mut self, bits: u32, number: u32) -> u32 {
        self.next(number) & ((1 << bits) - 1)
    }
}

/// What is expanded of a content, piece by piece; and that it comes back from that and its recipes alone.
fn expanded(content: &[u8], most: usize) -> Vec<Expanded> {
    let (mut at, mut carry, mut read_carry) = (0, Carry::default(), Carry::default());
    let mut found = Vec::new();
    let mut again = Vec::new();
    while at < content.len() {
        let Expanded { content_bytes, bytes, recipe, .. } = match expand(&content[at..], &carry, most) {
            Found::Plain(len) => {
                assert!(len > 0 && at + len <= content.len());
                again.extend_from_slice(&content[at..at + len]);
                (carry, read_carry) = (Carry::default(), Carry::default());
                at += len;
                continue;
            }
            Found::Streams(made) => {
                carry = Carry::from_bytes(&made.carry().to_bytes()).expect("what was written");
                found.push((*made).clone());
                *made
            }
        };
        assert!(bytes.len() <= most && content_bytes > 0);
        let mut kept = Kept::default();
        recipe.clone().code(&mut kept).unwrap();
        kept.at = Some(0);
        let mut read = Recipe::default();
        read.code(&mut kept).unwrap();
        let mut written = Kept::default();
        read.clone().code(&mut written).unwrap();
        assert_eq!(written.numbers, kept.numbers);
        assert_eq!(read.expanded_bytes(), bytes.len());
        read.recompress(&bytes, &mut read_carry, &mut again, content_bytes).unwrap();
        assert_eq!(read_carry, carry);
        at += content_bytes;
    }
    assert!(again == content);
    found
}

fn text(lines: u32, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = |below: u32| {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (state >> 10) % below
    };
    let mut line = |_: u32| {
        let (a, b, c) = (next(400), next(40), next(1000));
        format!(
            "item {a} of the {b}th list, {} and {c}\n",
            ["red", "green", "blue", "grey"][(a % 4) as usize]
        )
    };
    (0..lines).flat_map(|n| line(n).into_bytes()).collect()
}

/// The stream that zlib would make of a text at a level, with blocks of 2^`buffer` tokens.
fn zlib_like(text: &[u8], level: u32, buffer: u32) -> Vec<u8> {
    let stream = |full: usize| {
        let start = [1, 0, text.len() as u32, 0, 0, level - 1, buffer - 7, 15 - 8, 15 - 9, 0];
        let blocks = [1, 0, 2, 0, 0].repeat(full);
        let end = [1, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0];
        let numbers = [&start[..], &blocks[..], &end[..]].concat();
        let mut recipe = Recipe::default();
        recipe.code(&mut Kept { numbers, at: Some(0) }).unwrap();
        let mut out = Vec::new();
        recipe.recompress(text, &mut Carry::default(), &mut out, MOST).ok().map(|()| out)
    };
    (0..).map_while(stream).last().expect("one block is enough")
}

/// A gzip member of a stream, its trailer left out.
fn gzip(stream: &[u8]) -> Vec<u8> {
    [b"\x1f\x8b\x08\0\0\0\0\0\0\x03", stream].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn streams_come_back(
        lines in 30u32..200, seed: u32, level in 1u32..=9, buffer in 7u32..=15, most in 300usize..9000,
    ) {
        let held = text(lines, seed);
        let stream = zlib_like(&held, level, buffer);
        let content = [&b"before"[..], &gzip(&stream), b"after"].concat();
        let pieces = expanded(&content, MOST);
        prop_assert_eq!(&pieces[0].bytes, &[&content[..16], &held, b"after"].concat());
        expanded(&content, most);
    }

    #[test]
    fn damaged_streams_come_back(
        lines in 30u32..200, seed: u32, level in 1u32..=9,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut content = gzip(&zlib_like(&text(lines, seed), level, 9));
        for (at, byte) in damage {
            let at = at.index(content.len());
            content[at] = byte;
        }
        expanded(&content, MOST);
    }

    #[test]
    fn any_content_comes_back(content in prop::collection::vec(any::<u8>(), 0..2000)) {
        expanded(&content, MOST);
    }

    /// Nothing but an error comes of what is no recipe, and no more content than is allowed.
    #[test]
    fn any_recipe_ends(
        numbers in prop::collection::vec(prop_oneof![0u32..4, 0u32..300, any::<u32>()], 0..400),
        bytes in prop::collection::vec(any::<u8>(), 0..2000), most in 0usize..3000,
    ) {
        let mut recipe = Recipe::default();
        if recipe.code(&mut Kept { numbers, at: Some(0) }).is_ok() {
            let mut out = b"there".to_vec();
            if recipe.recompress(&bytes, &mut Carry::default(), &mut out, most).is_ok() {
                prop_assert!(out.len() - 5 <= most);
            }
        }
    }

    /// The same of recipes that are nearly right.
    #[test]
    fn damaged_recipes_end(
        seed: u32, level in 1u32..=9,
        damage in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![0u32..4, 0u32..300, any::<u32>()]), 1..4),
    ) {
        let content = gzip(&zlib_like(&text(60, seed), level, 8));
        for made in expanded(&content, MOST) {
            let mut kept = Kept::default();
            made.recipe.clone().code(&mut kept).unwrap();
            for (at, number) in &damage {
                let at = at.index(kept.numbers.len());
                kept.numbers[at] = *number;
            }
            kept.at = Some(0);
            let mut recipe = Recipe::default();
            if recipe.code(&mut kept).is_ok() {
                let mut out = Vec::new();
                let _ = recipe.recompress(&made.bytes, &mut Carry::default(), &mut out, made.content_bytes);
                prop_assert!(out.len() <= made.content_bytes + made.bytes.len() + 64);
            }
        }
    }
}

#[test]
fn a_stream_goes_on_from_piece_to_piece() {
    let text = text(6000, 7);
    let stream = zlib_like(&text, 6, 10);
    let content = [gzip(&stream), b"and then".to_vec()].concat();
    let pieces = expanded(&content, 60_000);
    assert!(pieces.len() > 3, "{}", pieces.len());
    let held: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.clone()).collect();
    assert!(held.windows(500).any(|window| window == &text[text.len() - 500..]));
    // A state that is another's is refused.
    for bytes in [&[1u8][..], &[0; 7], &[10, 14, 15, 15, 0, 0, 0], &[6, 14, 15, 15, 0, 0, 8]] {
        assert_eq!(Carry::from_bytes(bytes), None);
        assert_eq!(Carry::from_bytes(&[&[0; 2], bytes].concat()), None);
    }
    assert!(Carry::from_bytes(&[0, 0, 6, 14, 15, 15, 0, 0, 7]).is_some());
    // Of colours: a byte twice, bytes in another order, part of one.
    let colours = |bytes: &[u8]| Carry::from_bytes(&[&[bytes.len() as u8, 0], bytes].concat());
    assert!(colours(&[1, 9, 9, 9, 2, 9, 9, 9, 60, 0, 0, 0]).is_some());
    for bytes in
        [&[1u8, 9, 9, 9, 1, 9, 9, 9, 60, 0, 0, 0][..], &[2, 9, 9, 9, 1, 9, 9, 9, 60, 0, 0, 0], &[1; 7]]
    {
        assert_eq!(colours(bytes), None);
    }
}

#[test]
fn pieces_end_where_they_are_cut() {
    let stream = zlib_like(&text(100, 3), 9, 14);
    let content = [b"first, ".repeat(100), gzip(&stream), b", last".repeat(100)].concat();
    let Found::Streams(made) = expand(&content, &Carry::default(), MOST) else { panic!("a stream is there") };
    let (start, end) = (700, 710 + stream.len());
    for (at, content_bytes) in
        [(100, 100), (700, 700), (705, start), (2000, start), (made.bytes.len() - 90, end + 510)]
    {
        let cut = made.clone().cut(at);
        assert_eq!(cut.content_bytes, content_bytes, "{at}");
        let mut out = Vec::new();
        cut.recipe.recompress(&cut.bytes, &mut Carry::default(), &mut out, content_bytes).unwrap();
        assert!(out == content[..content_bytes]);
        assert_eq!(cut.spans().iter().map(|span| span.0).sum::<usize>(), content_bytes);
    }
    // All of the first stream is kept if nothing comes before it.
    let Found::Streams(made) = expand(&content[700..], &Carry::default(), MOST) else { panic!() };
    assert_eq!(made.cut(1000).content_bytes, 10 + stream.len());
}

#[test]
fn a_survey_counts_what_streams_hold() {
    assert!(survey(&text(300, 1), MOST, MOST).is_none());
    let held = text(300, 1);
    let content = gzip(&zlib_like(&held, 1, 14));
    let found = survey(&content, 100, MOST).unwrap();
    assert_eq!(found.bytes, 10 + held.len() as u64);
    assert_eq!(found.start, [&content[..10], &held[..90]].concat());
}

/// A picture whose pixels repeat in rows, as a GIF file with one writer's slip in every `slip` codes.
fn gif(pixels: &[u8], width: u16, bits: u8, slip: usize, piece: usize) -> Vec<u8> {
    coloured(pixels, width, bits, (slip, piece), &[0; 6])
}

/// One with a palette.
fn coloured(pixels: &[u8], width: u16, bits: u8, (slip, piece): (usize, usize), palette: &[u8]) -> Vec<u8> {
    let clear = 1usize << bits;
    let mut codes: Vec<(usize, u32)> = vec![(clear, u32::from(bits) + 1)];
    // What a code is with one pixel more.
    let mut longer: HashMap<(usize, u8), usize> = HashMap::new();
    let mut entries = clear + 2;
    let size = |entries: usize| (entries - usize::from(entries > clear + 2)).min(4096).ilog2().min(11) + 1;
    let (mut at, mut count) = (0, 0);
    while at < pixels.len() {
        count += 1;
        let mut code = usize::from(pixels[at]);
        at += 1;
        while let (Some(&next), false) =
            (pixels.get(at).and_then(|pixel| longer.get(&(code, *pixel))), slip > 0 && count % slip == 0)
        {
            code = next;
            at += 1;
        }
        codes.push((code, size(entries)));
        if at < pixels.len() {
            longer.insert((code, pixels[at]), entries);
            entries += 1;
        }
        if entries == 4097 {
            codes.push((clear, 12));
            (entries, longer) = (clear + 2, HashMap::new());
        }
    }
    codes.push((clear + 1, size(entries)));
    let bits_of = |&(code, size): &(usize, u32)| (0..size).map(move |i| code >> i & 1 != 0);
    let all: Vec<bool> = codes.iter().flat_map(bits_of).collect();
    let data: Vec<u8> =
        all.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, &bit| sum << 1 | u8::from(bit))).collect();
    let [low, high] = width.to_le_bytes();
    let colours = 0x80 | ((palette.len() / 3).ilog2() as u8 - 1);
    let mut file = [b"GIF89a", &[low, high, 9, 0, colours, 0, 0][..], palette].concat();
    file.extend([0x2c, 0, 0, 0, 0, low, high, 9, 0, 0, bits]);
    for piece in data.chunks(piece) {
        file.push(piece.len() as u8);
        file.extend(piece);
    }
    file.extend([0, 0x3b]);
    file
}

#[test]
fn pictures_come_back() {
    let pixels: Vec<u8> = (0..9000u32).map(|at| ((at % 60 * (at / 60)) >> 5) as u8 % 16).collect();
    for (bits, slip, piece) in [(4, 0, 255), (5, 0, 254), (8, 0, 255), (4, 9, 255), (4, 0, 1)] {
        let content = [b"before ".to_vec(), gif(&pixels, 60, bits, slip, piece), b"after".to_vec()].concat();
        let pieces = expanded(&content, MOST);
        assert_eq!(pieces.len(), 1, "{bits} bits, slip {slip}");
        assert!(pieces[0].is_picture);
        let places: Vec<(usize, u32)> =
            pieces[0].recipe.pictures().iter().map(|picture| (picture.at, picture.width)).collect();
        assert_eq!(places, [(7 + 29, 60), (7 + 29 + 9000, 0)]);
    }
    // Two pictures, one right after the other's file.
    let two = [gif(&pixels, 60, 4, 0, 255), gif(&pixels[..6000], 60, 4, 0, 255)].concat();
    assert_eq!(expanded(&two, MOST).len(), 1);
    assert_eq!(expanded(&two, 10_000).len(), 2);
}

#[test]
fn colours_of_a_series_keep_their_bytes() {
    const COLOURS: usize = 32;
    // A picture of the first 24 colours; each palette begins with more that it does not have.
    let seen: Vec<u8> = (0..9000u32).map(|at| ((at % 60 * (at / 60)) >> 5) as u8 % 24).collect();
    let picture = |more: u8, width| {
        let colour = |number: usize| [number as u8 * 7, 50, number as u8];
        let palette: Vec<u8> = (0..COLOURS)
            .flat_map(|number| match number.checked_sub(more.into()) {
                Some(number) => colour(number),
                None => [1, 200, number as u8 * 9],
            })
            .collect();
        let pixels: Vec<u8> = seen.iter().map(|&pixel| pixel + more).collect();
        coloured(&pixels, width, 5, (0, 255), &palette)
    };
    let series = [picture(2, 60), picture(0, 60), picture(5, 60), picture(3, 60)].concat();
    for most in [MOST, 10_000, 25_000] {
        let pieces = expanded(&series, most);
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.clone()).collect();
        let head = bytes.len() / 4 - seen.len();
        let of: Vec<&[u8]> =
            bytes.chunks(bytes.len() / 4).map(|picture| &picture[head - 1..][..9000]).collect();
        assert!(of[1] == of[0] && of[2] == of[0] && of[3] == of[0], "{most}");
    }
    // Of what is cut, what is left of the colours are those of the last picture that stays.
    let [whole] = &expanded(&series, MOST)[..] else { panic!("one piece") };
    for quarters in 0..4 {
        let cut = whole.clone().cut(whole.bytes.len() * quarters / 4 + 3);
        let (mut carry, mut out) = (Carry::default(), Vec::new());
        cut.recipe.recompress(&cut.bytes, &mut carry, &mut out, cut.content_bytes).unwrap();
        assert!(out == series[..cut.content_bytes] && *cut.carry() == carry);
        assert_eq!(cut.recipe.streams(), quarters.max(1));
    }
    // One of another width, or with other colours, is seen as its numbers.
    let pieces = expanded(&[picture(2, 60), picture(4, 50)].concat(), MOST);
    let numbers: Vec<u8> = seen.iter().map(|pixel| pixel + 4).collect();
    assert!(pieces[0].bytes.windows(9000).any(|window| window == numbers));
}
