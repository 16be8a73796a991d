//! What kind of data a content is, and where one kind ends and another begins. None of this is part
//! of the format: a chunk says of what kind it is.

use crate::ModelPlan;
use crate::container::CHUNK_BYTES;
use crate::predictor::Kind;
use crate::setup::Setup;

/// Bytes of a content that tell whether it is structured, at most and at least.
const STRUCTURED_MOST: usize = 256 << 10;
const STRUCTURED_LEAST: usize = 1 << 10;
/// Where a text object of PDF begins.
const BEGIN_TEXT: [&[u8]; 2] = [b"\nBT\n", b"cm BT\n"];

/// Chunks end at a multiple of so many bytes from their start, or where they must.
const PIECE_BYTES: usize = 1 << 10;
/// Pieces that must be of another kind for a chunk to end before them: a chunk costs a header and what
/// its kind learns anew.
const RUN_PIECES: usize = 16;
/// Blocks of this size class or below are one chunk.
pub const UNCUT_CLASS: u8 = 16;

/// What makes a text structured: so many eighths of its strings of eight characters were there before,
/// or so many of its characters are digits. What a block has begun as it stays, if it can.
#[derive(Clone, Copy, Debug)]
pub struct Eighths {
    repeated: usize,
    digits: usize,
    /// Whether digits count, too, where text objects of PDF stand, whose numbers are layout.
    in_objects: bool,
}

impl Eighths {
    /// No text is all digits.
    const NONE: usize = 9;

    /// Of a block's start; `None` if there are no models of structured text.
    pub fn of_start(setup: &Setup) -> Option<Eighths> {
        setup.structured.map(|_| Eighths::of_block(setup, false, false))
    }

    /// Of a block that has text or structured text by now.
    pub fn of_block(setup: &Setup, has_text: bool, has_structured: bool) -> Eighths {
        let (repeated, digits) = match (has_text, has_structured) {
            (_, true) => (4, 2),
            (true, false) => (7, Eighths::NONE),
            // Many contexts know well by themselves what is repeated.
            (false, false) if setup.is_strong() => (6, 2),
            (false, false) => (5, 2),
        };
        // Many contexts know what text objects show.
        Eighths { repeated, digits, in_objects: !setup.is_strong() }
    }
}

/// Control characters, and how many bytes they are of. Of a run of zeros the first counts: they fill up
/// the records of archives of texts.
#[derive(Clone, Copy, Debug, Default)]
struct Controls {
    controls: usize,
    bytes: usize,
}

impl Controls {
    fn of(content: &[u8], before: u8) -> Controls {
        let mut total = Controls::default();
        let mut before = before;
        for &byte in content {
            let counts = usize::from(byte != 0 || before != 0);
            total.bytes += counts;
            total.controls += counts * usize::from(matches!(byte, 0..=8 | 14..=31 | 127));
            before = byte;
        }
        total
    }

    fn sum(all: &[Controls]) -> Controls {
        all.iter().fold(Controls::default(), |sum, one| Controls {
            controls: sum.controls + one.controls,
            bytes: sum.bytes + one.bytes,
        })
    }

    /// Text has hardly any: at most one in 32 bytes.
    fn are_binary(self) -> bool {
        self.controls * 32 > self.bytes
    }

    /// Whether a content of the other kind than `binary` clearly begins: twice as far from the border
    /// as it need be.
    fn change_from(self, binary: bool) -> bool {
        match binary {
            true => self.controls * 64 <= self.bytes && self.bytes > 0,
            false => self.controls * 16 > self.bytes,
        }
    }
}

/// The kind of a chunk. Whether a text is structured is not asked where nothing is.
pub fn kind_of(content: &[u8], structured: Option<Eighths>) -> Kind {
    if Controls::of(content, 1).are_binary() {
        return Kind::Binary;
    }
    match structured {
        Some(eighths) if is_structured(content, eighths) => Kind::Structured,
        _ => Kind::Text,
    }
}

/// Whether a text repeats its forms, as logs, tables, records and markup do.
pub fn repeats_forms(content: &[u8]) -> bool {
    is_structured(content, Eighths { repeated: 6, digits: Eighths::NONE, in_objects: false })
}

/// Whether a text repeats its forms, or is a quarter digits.
pub fn repeats_forms_or_counts(content: &[u8]) -> bool {
    is_structured(content, Eighths { repeated: 6, digits: 2, in_objects: true })
}

/// Whether a text has so much of what makes one structured. Of a character of UTF-8 the last byte counts.
pub fn is_structured(content: &[u8], eighths: Eighths) -> bool {
    let start = &content[..content.len().min(STRUCTURED_MOST)];
    if start.len() < STRUCTURED_LEAST {
        return false;
    }
    let after = start[1..].iter().chain([&0]);
    let last_bytes = start.iter().zip(after).filter(|(_, after)| **after & 0xc0 != 0x80);
    let last_bytes: Vec<u8> = last_bytes.map(|(&byte, _)| byte).collect();
    let digits = last_bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let in_objects =
        || BEGIN_TEXT.iter().any(|begin| start.windows(begin.len()).any(|bytes| bytes == *begin));
    if 8 * digits >= eighths.digits * last_bytes.len() && (eighths.in_objects || !in_objects()) {
        return true;
    }
    let mut strings: Vec<u64> = last_bytes.array_windows().map(|&bytes| u64::from_ne_bytes(bytes)).collect();
    let all = strings.len();
    strings.sort_unstable();
    strings.dedup();
    8 * (all - strings.len()) >= eighths.repeated * all
}

/// Whether a block's chunks end at 1 MiB only.
pub fn is_uncut(plan: ModelPlan) -> bool {
    plan.size_class() <= UNCUT_CLASS
}

/// How many bytes of `rest`, what is at hand of a block, make the next chunk: 1 MiB, or as many as
/// come before text becomes something else for a while, or something else text.
pub fn chunk_len(plan: ModelPlan, rest: &[u8]) -> usize {
    let rest = &rest[..rest.len().min(CHUNK_BYTES)];
    if is_uncut(plan) {
        return rest.len();
    }
    let mut pieces: Vec<Controls> = Vec::new();
    let mut before = 1;
    for (end, piece) in rest.chunks_exact(PIECE_BYTES).enumerate() {
        pieces.push(Controls::of(piece, before));
        before = piece[PIECE_BYTES - 1];
        let Some(start) = (end + 1).checked_sub(RUN_PIECES).filter(|&start| start >= RUN_PIECES) else {
            continue;
        };
        let binary = Controls::sum(&pieces[..RUN_PIECES]).are_binary();
        if pieces[start].change_from(binary) && Controls::sum(&pieces[start..]).change_from(binary) {
            return start * PIECE_BYTES;
        }
    }
    rest.len()
}

/// A block's chunks.
pub fn chunks(plan: ModelPlan, block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = block;
    std::iter::from_fn(move || {
        let (chunk, after) = rest.split_at(chunk_len(plan, rest));
        rest = after;
        (!chunk.is_empty()).then_some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;

    #[test]
    fn kinds_are_told_apart() {
        let begins = |preset: Preset| Eighths::of_block(preset.setup(), false, false);
        let kind_of = |content: &[u8]| kind_of(content, Some(begins(Preset::MAX)));
        assert_eq!(kind_of(b""), Kind::Text);
        assert_eq!(kind_of("Grüße, мир, 世界\r\n".as_bytes()), Kind::Text);
        assert_eq!(kind_of(b"caf\xe9 au lait, d\xe9j\xe0 vu, na\xefve"), Kind::Text);
        assert_eq!(kind_of(&[0, 1, 2, 3, 0, 0, 0, 255]), Kind::Binary);
        let counted: Vec<u8> = (0..4096u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(kind_of(&counted), Kind::Binary);
        let line = b"one line and the other are alike\n";
        assert_eq!(kind_of(&line.repeat(20)), Kind::Text);
        assert_eq!(kind_of(&line.repeat(40)), Kind::Structured);
        assert_eq!(super::kind_of(&line.repeat(40), None), Kind::Text);
        // Numbers that are new: a quarter of the characters, and a little less.
        let numbers: Vec<String> = (0..400).map(|n| format!("{:03} is it ", n * 7919 % 1000)).collect();
        assert_eq!(kind_of(numbers.concat().as_bytes()), Kind::Structured);
        assert_eq!(kind_of(numbers.join(" ").replace("is it", "is it or so").as_bytes()), Kind::Text);
        let objects = format!("\nBT\n{}", numbers.concat());
        assert_eq!(kind_of(objects.as_bytes()), Kind::Text);
        // Two thirds were there before.
        let letters: Vec<u8> =
            (0..450u32).map(|n| b'a' + (n.wrapping_mul(2_654_435_761) >> 13) as u8 % 26).collect();
        let some = [&line.repeat(27)[..], &letters].concat();
        assert_eq!(kind_of(&some), Kind::Text);
        let five = Preset::new(5).expect("there is one");
        assert_eq!(super::kind_of(&some, Some(begins(five))), Kind::Structured);
        assert_eq!(super::kind_of(objects.as_bytes(), Some(begins(five))), Kind::Structured);
    }

    #[test]
    fn a_block_stays_what_it_has_begun_as() {
        let table = "name 2481 7 30 1984\n".repeat(60);
        let eighths =
            |has_text, has_structured| Some(Eighths::of_block(Preset::MAX.setup(), has_text, has_structured));
        let numbers: String = (0..400).map(|n| format!("{:03} is it ", n * 7919 % 1000)).collect();
        assert_eq!(kind_of(numbers.as_bytes(), eighths(true, false)), Kind::Text);
        assert_eq!(kind_of(numbers.as_bytes(), eighths(true, true)), Kind::Structured);
        assert_eq!(kind_of(table.as_bytes(), eighths(true, false)), Kind::Structured);
    }

    #[test]
    fn zeros_that_fill_up_make_no_text_binary() {
        let mut padded = Vec::new();
        for number in 0..100 {
            padded.extend(format!("name{number}").bytes().chain([0; 90]));
            padded
                .extend(format!("The {number}th text, of some length.\n").repeat(4).bytes().chain([0; 300]));
        }
        assert_eq!(kind_of(&padded, None), Kind::Text);
        let wide: Vec<u8> = "every other byte is zero".bytes().flat_map(|byte| [byte, 0]).collect();
        assert_eq!(kind_of(&wide, None), Kind::Binary);
    }

    #[test]
    fn chunks_end_where_text_does() {
        let plan = ModelPlan::for_block(Preset::MAX, 1 << 20);
        let text = b"Some text, and some more of it. ".repeat(1 << 11);
        let noise: Vec<u8> = (0..40_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let mixed = [&text[..], &noise[..], &text[..], &noise[..9000], &text[..]].concat();
        let lens: Vec<usize> = chunks(plan, &mixed).map(<[u8]>::len).collect();
        assert_eq!(lens.len(), 3, "what is short is left in its place: {lens:?}");
        assert_eq!(lens[0], text.len());
        assert!(lens[1].abs_diff(noise.len()) < PIECE_BYTES, "{lens:?}");
        assert_eq!(lens.iter().sum::<usize>(), mixed.len());
        let small = ModelPlan::for_block(Preset::MAX, 1 << 16);
        assert_eq!(chunks(small, &mixed).count(), 1);
        assert_eq!(chunks(plan, &text.repeat(40)).map(<[u8]>::len).max(), Some(CHUNK_BYTES));
        assert_eq!(chunks(plan, b"").count(), 0);
    }
}
