//! Lines that were broken to fit a width are joined: where they break follows from the words.
//!
//! A break costs a model as much as any other choice, though it is none, and tears apart what stands on
//! both sides. So an encoder [`join`]s such lines, and what is coded is the *joined text*, in which a
//! gap of one or two spaces may be where a line breaks. Whether it is, is coded behind the text, when
//! the words are known, in the context of the column where the next word would end. The bytes are
//! described in FORMAT.md, "Joined lines". The idea is P. Skibiński's (end-of-line coding, 2005).

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use crate::knowledge::packing::{Packing, START};

/// Columns that are told apart, the last and all beyond it together.
const COLUMNS: usize = 256;
/// Of words whose last character ends a sentence, the longest whose gaps are counted for themselves.
const LONGEST_COUNTED: usize = 8;
/// Fewer breaks are not worth their form.
const LEAST_BREAKS: usize = 16;
/// Gaps that there are for each break, at least: lines of a table have one field, or some.
const GAPS_A_BREAK: usize = 3;
/// One in so many breaks may have the same word behind it: lines of a log begin alike.
const MOST_COMMON: usize = 4;
/// What a break may cost: joining gains two to five bits, but lines of source code are worse for it.
const MOST_BITS: f64 = 1.5;
/// The same where most lines are broken so.
const MOST_BITS_THROUGHOUT: f64 = 2.25;
/// How unlike may be what begins after breaks and after gaps: shares of classes, differences summed.
/// Of prose 0.1 to 0.2, of verse, whose lines are not broken to fit, 1.7.
const MOST_UNLIKE: f64 = 0.5;

/// What ends a line of the content, where lines are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Whether a carriage return comes before the line feed.
    pub returns: bool,
    /// Whether the gap stays before that.
    pub keeps_gaps: bool,
}

impl Form {
    fn end(self) -> &'static [u8] {
        if self.returns { b"\r\n" } else { b"\n" }
    }
}

/// A text whose lines are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The text.
    pub bytes: Vec<u8>,
    /// How its lines end.
    pub form: Form,
    /// The gaps where a line breaks.
    breaks: Vec<Break>,
}

/// A gap where a line breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Break {
    /// Of the joined text.
    gap: Range<usize>,
    /// Bytes of the content that stand in the gap's place.
    stands: usize,
    /// What the next line begins with.
    prefix: Vec<u8>,
}

/// The content is not what the joined text makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOfThatLength;

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether a line may begin with it again and again: blanks, and marks of comments, quotes and lists.
fn is_prefix(byte: u8) -> bool {
    b" \t#/*>;%|!-+".contains(&byte)
}

fn prefix_len(line: &[u8]) -> usize {
    line.iter().position(|&byte| !is_prefix(byte)).unwrap_or(line.len())
}

/// The column after `bytes` that begin at one: tabs go to multiples of 8, characters of UTF-8 count one.
fn column_after(column: usize, bytes: &[u8]) -> usize {
    bytes.iter().fold(column, |column, &byte| match byte {
        b'\t' => (column | 7) + 1,
        0x80..=0xbf => column,
        _ => column + 1,
    })
}

fn word_len(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| is_blank(byte)).unwrap_or(bytes.len())
}

/// What the next line may begin with, likeliest first: the same as after the last break; the same as
/// this line; that with spaces for marks; its blanks before any mark; nothing.
fn prefixes<'a>(last: &'a [u8], this: &'a [u8]) -> [Cow<'a, [u8]>; 5] {
    let blanked = this.iter().map(|&byte| if byte == b'\t' { byte } else { b' ' }).collect();
    let blanks = this.iter().position(|byte| !b" \t".contains(byte)).unwrap_or(this.len());
    [last.into(), this.into(), Cow::Owned(blanked), this[..blanks].into(), b"".as_slice().into()]
}

/// Finds the lines' breaks, or says where they are.
struct Splitting<'a, P> {
    coder: &'a mut P,
    form: Form,
    ends: [u32; COLUMNS],
    choices: [[u32; 4]; 2],
    /// Breaks that are known beforehand.
    known: std::slice::Iter<'a, Break>,
}

impl<'a, P: Packing> Splitting<'a, P> {
    fn new(coder: &'a mut P, form: Form, known: &'a [Break]) -> Self {
        Splitting { coder, form, ends: [START; COLUMNS], choices: [[START; 4]; 2], known: known.iter() }
    }

    /// The content of a joined text, appended to `out`, `most` bytes of it at most.
    fn content(&mut self, joined: &[u8], out: &mut Vec<u8>, most: usize) -> Result<(), NotOfThatLength> {
        let end = out.len() + most;
        let (mut last, mut this) = (Vec::new(), Vec::new());
        let (mut at, mut column, mut begins) = (0, 0, true);
        while at < joined.len() {
            if out.len() > end {
                return Err(NotOfThatLength);
            }
            let rest = &joined[at..];
            if begins {
                this = rest[..prefix_len(rest)].to_vec();
                column = column_after(0, &this);
                out.extend_from_slice(&this);
                at += this.len();
                begins = false;
                continue;
            }
            let spaces = rest.iter().take_while(|&&byte| byte == b' ').count();
            if spaces == 0 {
                begins = rest[0] == b'\n';
                column = column_after(column, &rest[..1]);
                out.push(rest[0]);
                at += 1;
                continue;
            }
            let is_gap = spaces <= 2
                && at > 0
                && !is_blank(joined[at - 1])
                && rest.get(spaces).is_some_and(|&byte| !is_blank(byte));
            let breaks = is_gap && {
                let word = &rest[spaces..];
                let column = column_after(column + spaces, &word[..word_len(word)]);
                let known = self.known.as_slice().first().is_some_and(|known| known.gap.start == at);
                self.coder.bit(&mut self.ends[column.min(COLUMNS - 1)], known)
            };
            if !breaks || self.form.keeps_gaps {
                out.extend_from_slice(&rest[..spaces]);
                column += spaces;
            }
            if breaks {
                let prefix = self.prefix(&last, &this);
                out.extend_from_slice(self.form.end());
                out.extend_from_slice(&prefix);
                column = column_after(0, &prefix);
                (last, this) = (prefix.clone(), prefix);
            }
            at += spaces;
        }
        if out.len() == end { Ok(()) } else { Err(NotOfThatLength) }
    }

    /// What the line begins with that follows a break.
    fn prefix(&mut self, last: &[u8], this: &[u8]) -> Vec<u8> {
        let known = self.known.next();
        let choices = &mut self.choices[usize::from(last == this)];
        let [others @ .., none] = prefixes(last, this);
        for (prefix, choice) in others.into_iter().zip(choices) {
            if self.coder.bit(choice, known.is_some_and(|known| known.prefix == *prefix)) {
                return prefix.into_owned();
            }
        }
        none.into_owned()
    }
}

/// Appends the content of a joined text, which has `content_bytes` bytes.
pub fn split(
    joined: &[u8],
    form: Form,
    coder: &mut impl Packing,
    content_bytes: usize,
    out: &mut Vec<u8>,
) -> Result<(), NotOfThatLength> {
    Splitting::new(coder, form, &[]).content(joined, out, content_bytes)
}

/// Takes bits as they are.
struct Dry;

impl Packing for Dry {
    fn bit(&mut self, _: &mut u32, bit: bool) -> bool {
        bit
    }

    fn plain(&mut self, _: u32, value: u32) -> u32 {
        value
    }
}

impl Joined {
    /// Writes where its lines break, for [`split`] to read.
    pub fn code_breaks(&self, coder: &mut impl Packing) {
        self.content(coder).expect("what was proved");
    }

    fn content(&self, coder: &mut impl Packing) -> Result<Vec<u8>, NotOfThatLength> {
        let len = self.spans().map(|(content, _)| content).sum();
        let mut out = Vec::with_capacity(len);
        Splitting::new(coder, self.form, &self.breaks).content(&self.bytes, &mut out, len)?;
        Ok(out)
    }

    /// How many bytes of the content stand for how many of the joined text, in their order.
    pub fn spans(&self) -> impl Iterator<Item = (usize, usize)> {
        let mut at = 0;
        let parts = self.breaks.iter().flat_map(move |one| {
            let before = one.gap.start - std::mem::replace(&mut at, one.gap.end);
            [(before, before), (one.stands, one.gap.len())]
        });
        let after = self.bytes.len() - self.breaks.last().map_or(0, |one| one.gap.end);
        parts.chain([(after, after)])
    }
}

/// Whether words begin there, rather than blanks, or a mark and blanks: that is an item, or a quote.
fn begins_word(rest: &[u8]) -> bool {
    !rest.is_empty() && !rest[..prefix_len(rest)].iter().any(|&byte| is_blank(byte))
}

/// A line of a content.
struct Line<'a> {
    /// Where it begins.
    start: usize,
    /// Without its end and the spaces before that.
    body: &'a [u8],
    /// The spaces before its end.
    spaces: usize,
    /// Whether it has an end of the content's form.
    ends: bool,
}

impl<'a> Line<'a> {
    /// Whether a line may have been broken behind it: the length of the prefix that the next one then
    /// begins with, where the last one's and this one's are these.
    fn may_break(
        &self,
        keeps_gaps: bool,
        next: Option<&Line>,
        (last, this): (&[u8], &[u8]),
    ) -> Option<usize> {
        let next = next?;
        let spaces = if keeps_gaps { 1..=2 } else { 0..=0 };
        let ends = self.ends
            && spaces.contains(&self.spaces)
            && prefix_len(self.body) < self.body.len()
            && !is_blank(self.body[self.body.len() - 1]);
        let begins = |prefix: &&Cow<[u8]>| next.body.strip_prefix(&prefix[..]).is_some_and(begins_word);
        let prefixes = ends.then(|| prefixes(last, this))?;
        prefixes.iter().find(begins).map(|prefix| prefix.len())
    }

    fn last_word(&self) -> &'a [u8] {
        let start = self.body.iter().rposition(|&byte| is_blank(byte)).map_or(0, |at| at + 1);
        &self.body[start..]
    }
}

/// The mark that ends a sentence at the end of a word, of four.
fn sentence_end(word: &[u8]) -> Option<usize> {
    let last = word.iter().rfind(|byte| !b"\"')]_*".contains(byte))?;
    b".?!:".iter().position(|end| end == last)
}

/// How wide gaps are after words that end sentences.
#[derive(Default)]
struct Gaps<'a> {
    words: HashMap<&'a [u8], [u32; 2]>,
    marks: [[u32; 2]; 4],
}

impl<'a> Gaps<'a> {
    fn add(&mut self, word: &'a [u8], gap: usize) {
        if let Some(mark) = sentence_end(word) {
            self.marks[mark][gap - 1] += 1;
            if word.len() <= LONGEST_COUNTED {
                self.words.entry(word).or_default()[gap - 1] += 1;
            }
        }
    }

    /// How wide one is that is not seen.
    fn after(&self, word: &[u8]) -> usize {
        let Some(mark) = sentence_end(word) else { return 1 };
        let counts = self.words.get(word).filter(|counts| counts[0] + counts[1] > 2);
        let [one, two] = *counts.unwrap_or(&self.marks[mark]);
        if two > one { 2 } else { 1 }
    }
}

/// Classes of what words begin with.
fn class(byte: u8) -> usize {
    match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        0x80.. => 3,
        _ => 4,
    }
}

/// Where the words of a content end that stand behind gaps and breaks.
struct Survey<'a> {
    text: &'a [u8],
    form: Form,
    lines: Vec<Line<'a>>,
    /// Gaps that are none of a line's end, by the column where the word behind ends.
    gaps: [usize; COLUMNS],
    /// The same of breaks.
    breaks: [usize; COLUMNS],
    widths: Gaps<'a>,
    /// For each line that may be broken behind, the column.
    ends: Vec<Option<usize>>,
    gap_classes: [usize; 5],
}

impl<'a> Survey<'a> {
    fn of(text: &'a [u8]) -> Option<Survey<'a>> {
        let (mut feeds, mut returns, mut before) = (0, 0, 0);
        for &byte in text {
            feeds += usize::from(byte == b'\n');
            returns += usize::from(byte == b'\n' && before == b'\r');
            before = byte;
        }
        if feeds < LEAST_BREAKS {
            return None;
        }
        let returns = returns * 2 > feeds;
        let mut start = 0;
        let line = |whole: &'a [u8]| {
            let (body, has_feed) = match whole {
                [body @ .., b'\n'] => (body, true),
                body => (body, false),
            };
            let (body, has_return) = match body {
                [body @ .., b'\r'] if has_feed => (body, true),
                body => (body, false),
            };
            let spaces = body.iter().rev().take_while(|&&byte| byte == b' ').count();
            let line = Line {
                start,
                body: &body[..body.len() - spaces],
                spaces,
                ends: has_feed && has_return == returns,
            };
            start += whole.len();
            line
        };
        let lines: Vec<Line<'a>> = text.split_inclusive(|&byte| byte == b'\n').map(line).collect();
        let full = || lines.iter().filter(|line| line.ends && !line.body.is_empty());
        let keeps_gaps = full().filter(|line| (1..=2).contains(&line.spaces)).count()
            > full().filter(|line| line.spaces == 0).count();
        let ends = Vec::with_capacity(lines.len());
        let form = Form { returns, keeps_gaps };
        let mut survey = Survey {
            text,
            form,
            lines,
            gaps: [0; COLUMNS],
            breaks: [0; COLUMNS],
            widths: Gaps::default(),
            ends,
            gap_classes: [0; 5],
        };
        survey.look();
        survey.keep_likely();
        Some(survey)
    }

    fn look(&mut self) {
        let mut last: &[u8] = b"";
        for (number, line) in self.lines.iter().enumerate() {
            let prefix = &line.body[..prefix_len(line.body)];
            let (mut at, mut column) = (prefix.len(), column_after(0, prefix));
            while at < line.body.len() {
                let len = word_len(&line.body[at..]);
                column = column_after(column, &line.body[at..at + len]);
                let word = &line.body[at..at + len];
                at += len;
                let blanks = line.body[at..].iter().take_while(|&&byte| is_blank(byte)).count();
                let gap = &line.body[at..at + blanks];
                column = column_after(column, gap);
                at += blanks;
                if (1..=2).contains(&blanks) && len > 0 && gap.iter().all(|&byte| byte == b' ') {
                    let next = &line.body[at..];
                    let end = column_after(column, &next[..word_len(next)]).min(COLUMNS - 1);
                    self.gaps[end] += 1;
                    self.gap_classes[class(next[0])] += 1;
                    self.widths.add(word, blanks);
                }
            }
            let next = self.lines.get(number + 1);
            let begins = line.may_break(self.form.keeps_gaps, next, (last, prefix));
            self.ends.push(begins.zip(next).map(|(len, next)| {
                last = &next.body[..len];
                let word = &next.body[len..];
                let end = column_after(column + 1, &word[..word_len(word)]).min(COLUMNS - 1);
                self.breaks[end] += 1;
                end
            }));
        }
    }

    /// Forgets breaks where the prefix changes, or stays, as it mostly does behind lines that had room for
    /// the next word: there begin a heading, an item, a verse.
    fn keep_likely(&mut self) {
        let mut changes: HashMap<[&[u8]; 2], [usize; 2]> = HashMap::new();
        let pairs = self.lines.array_windows().zip(&self.ends);
        let change =
            |[line, next]: &[Line<'a>; 2]| [line, next].map(|line| &line.body[..prefix_len(line.body)]);
        for (pair, end) in pairs.clone().filter_map(|(pair, end)| Some((pair, (*end)?))) {
            changes.entry(change(pair)).or_default()[usize::from(self.breaks_at(end))] += 1;
        }
        let is_unlikely = |[roomy, full]: [usize; 2]| 2 * full < roomy;
        let unlikely: Vec<usize> = pairs
            .enumerate()
            .filter(|(_, (pair, end))| end.is_some() && is_unlikely(changes[&change(pair)]))
            .map(|(number, _)| number)
            .collect();
        for number in unlikely {
            let end = self.ends[number].take().expect("only such are counted");
            self.breaks[end] -= 1;
        }
    }

    /// Whether a word that ends there stands often enough behind a break.
    fn breaks_at(&self, end: usize) -> bool {
        4 * self.breaks[end] > self.breaks[end] + self.gaps[end]
    }

    /// Whether lines were broken to fit a width, as far as one sees.
    fn is_wrapped(&self) -> bool {
        let mut classes = [0; 5];
        let mut words: HashMap<&[u8], usize> = HashMap::new();
        let mut breaks = 0;
        for (next, end) in self.lines.iter().skip(1).zip(&self.ends) {
            if end.is_some_and(|end| self.breaks_at(end)) {
                let begins = &next.body[prefix_len(next.body)..];
                classes[begins.first().map_or(4, |&byte| class(byte))] += 1;
                *words.entry(&begins[..word_len(begins)]).or_default() += 1;
                breaks += 1;
            }
        }
        let gaps: usize = self.gap_classes.iter().sum();
        let commonest = words.values().max().copied().unwrap_or(0);
        if breaks < LEAST_BREAKS || gaps < GAPS_A_BREAK * breaks || MOST_COMMON * commonest > breaks {
            return false;
        }
        let share = |count: usize, all: usize| count as f64 / all as f64;
        let unlike: f64 = (0..5)
            .map(|class| (share(classes[class], breaks) - share(self.gap_classes[class], gaps)).abs())
            .sum();
        let bits = |of: usize, all: usize| if of == 0 { 0.0 } else { -(of as f64) * share(of, all).log2() };
        // Each column's share has to be learned.
        let cost: f64 = (0..COLUMNS)
            .map(|end| {
                let breaks = if self.breaks_at(end) { self.breaks[end] } else { 0 };
                let all = breaks + self.gaps[end];
                bits(breaks, all) + bits(self.gaps[end], all) + (all as f64 + 1.0).log2()
            })
            .sum();
        let most = if 2 * breaks > self.lines.len() { MOST_BITS_THROUGHOUT } else { MOST_BITS };
        unlike <= MOST_UNLIKE && cost <= most * breaks as f64
    }

    /// The text with its lines joined, with two spaces where a sentence ends and others have so, or never.
    fn joined(&self, wide: bool) -> Joined {
        let mut joined = Joined { bytes: Vec::new(), form: self.form, breaks: Vec::new() };
        let (mut last, mut this): (&[u8], &[u8]) = (b"", b"");
        // Of the line, what follows from the break before it.
        let mut begun = None;
        for (number, line) in self.lines.iter().enumerate() {
            let from = begun.take().unwrap_or_else(|| {
                this = &line.body[..prefix_len(line.body)];
                0
            });
            joined.bytes.extend_from_slice(&line.body[from..]);
            let end = line.start + line.body.len();
            let next = self.lines.get(number + 1);
            let breaks = self.ends[number].is_some_and(|end| self.breaks_at(end));
            let begins = next
                .filter(|_| breaks)
                .and_then(|after| Some((after, line.may_break(self.form.keeps_gaps, next, (last, this))?)));
            let Some((next, len)) = begins else {
                joined
                    .bytes
                    .extend_from_slice(&self.text[end..next.map_or(self.text.len(), |next| next.start)]);
                continue;
            };
            let gap = match (self.form.keeps_gaps, wide) {
                (true, _) => line.spaces,
                (false, true) => self.widths.after(line.last_word()),
                (false, false) => 1,
            };
            let start = joined.bytes.len();
            joined.bytes.extend_from_slice(&b"  "[..gap]);
            let prefix = &next.body[..len];
            (last, this) = (prefix, prefix);
            begun = Some(len);
            joined.breaks.push(Break {
                gap: start..start + gap,
                stands: next.start + len - end,
                prefix: prefix.to_vec(),
            });
        }
        joined
    }
}

/// The text with its lines joined, if they were broken to fit a width: no longer than it is.
pub fn join(text: &[u8]) -> Option<Joined> {
    let survey = Survey::of(text).filter(Survey::is_wrapped)?;
    let fits = |joined: &Joined| joined.bytes.len() <= text.len();
    let joined =
        Some(survey.joined(true)).filter(fits).or_else(|| Some(survey.joined(false)).filter(fits))?;
    (joined.breaks.len() >= LEAST_BREAKS && joined.content(&mut Dry).is_ok_and(|content| content == text))
        .then_some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::packing::{Packer, Unpacker};
    use foretold_coding::Decoder;
    use proptest::prelude::*;

    /// Words of many lengths, of which every tenth ends a sentence.
    fn words(count: usize) -> Vec<String> {
        let mut seed = 1u32;
        let word = |number| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let len = 1 + (seed >> 24) % 9;
            let word: String = (0..len).map(|i| char::from(b'a' + ((seed >> (2 * i)) & 15) as u8)).collect();
            if number % 10 == 9 { word + "." } else { word }
        };
        (0..count).map(word).collect()
    }

    /// The words in lines that are no longer than `width`, with these ends and beginnings.
    fn wrapped(words: &[String], width: usize, end: &str, first: &str, others: &str) -> String {
        let mut text = String::from(first);
        let mut column = first.len();
        let mut is_first = true;
        for word in words {
            if !is_first && column + 1 + word.len() > width {
                text += end;
                text += others;
                text += word;
                column = others.len() + word.len();
            } else {
                let gap = if is_first { "" } else { " " };
                text += &format!("{gap}{word}");
                column += gap.len() + word.len();
            }
            is_first = false;
        }
        text + end
    }

    /// Joins, writes and reads, and says how many breaks there are and how many bytes they take.
    fn pass(text: &[u8]) -> Option<(Joined, usize)> {
        let joined = join(text)?;
        assert!(joined.bytes.len() <= text.len());
        let mut packer = Packer::default();
        joined.code_breaks(&mut packer);
        let payload = packer.0.finish();
        let mut unpacker = Unpacker(Decoder::new(&payload));
        let mut content = b"before".to_vec();
        split(&joined.bytes, joined.form, &mut unpacker, text.len(), &mut content).unwrap();
        assert_eq!(content, [b"before", text].concat());
        let (content, seen) = joined.spans().fold((0, 0), |sum, span| (sum.0 + span.0, sum.1 + span.1));
        assert_eq!((content, seen), (text.len(), joined.bytes.len()));
        Some((joined, payload.len()))
    }

    #[test]
    fn lines_are_joined_and_breaks_cost_next_to_nothing() {
        for end in ["\n", "\r\n", " \n", " \r\n"] {
            let text = wrapped(&words(4000), 60, end, "", "");
            let lines = text.lines().count();
            let (joined, bytes) = pass(text.as_bytes()).unwrap();
            assert_eq!(joined.breaks.len(), lines - 1, "{end:?}");
            assert!(!joined.bytes[..joined.bytes.len() - 2].contains(&b'\n'));
            assert!(bytes < lines / 4, "{bytes} bytes for {lines} lines");
            assert_eq!(joined.form, Form { returns: end.contains('\r'), keeps_gaps: end.starts_with(' ') });
        }
    }

    #[test]
    fn lines_may_begin_with_blanks_and_marks() {
        let words = words(4000);
        for (first, others) in
            [("    ", "    "), ("  ", ""), ("# ", "# "), ("- ", "  "), ("\t* ", "\t"), ("//! ", "//! ")]
        {
            let paragraphs = words.chunks(100);
            let text: String =
                paragraphs.map(|words| wrapped(words, 64, "\n", first, others) + "\n").collect();
            let (joined, _) = pass(text.as_bytes()).unwrap();
            let breaks = text.lines().filter(|line| !line.is_empty()).count() - 40;
            assert!(joined.breaks.len() * 10 >= breaks * 9, "{first:?} {}/{breaks}", joined.breaks.len());
        }
    }

    #[test]
    fn two_spaces_behind_sentences_are_kept_where_others_have_them() {
        let text = wrapped(&words(4000), 60, "\n", "", "  ").replace(". ", ".  ");
        let (joined, _) = pass(text.as_bytes()).unwrap();
        let single = joined.bytes.windows(3).filter(|three| three[..2] == *b". " && three[2] != b' ').count();
        assert_eq!(single, 0);
        // There it would be longer than the text.
        let tight = wrapped(&words(4000), 60, "\n", "", "").replace(". ", ".  ");
        let (joined, _) = pass(tight.as_bytes()).unwrap();
        assert_eq!(joined.bytes.len(), tight.len());
    }

    #[test]
    fn what_was_not_broken_to_fit_stays_as_it_is() {
        let words = words(6000);
        let table: String =
            words.chunks(3).map(|row| format!("{};{};{}\n", row[0], row[1], row[2])).collect();
        let log: String = (0..900)
            .map(|n| {
                format!(
                    "2026-11-27 04:{:02}:{:02} [{n}] took {} ms for {}\n",
                    n / 60 % 60,
                    n % 60,
                    n * n % 977,
                    words[n]
                )
            })
            .collect();
        let verse: String = words
            .chunks(7)
            .map(|line| {
                let line = line.join(" ");
                let (first, rest) = line.split_at(1);
                first.to_uppercase() + rest + "\n"
            })
            .collect();
        let paragraphs: String = words.chunks(200).map(|words| words.join(" ") + "\n").collect();
        let fields: String = (0..900)
            .map(|n| format!("level=info size={} took={}ms for {}\n", n % 97, n % 13, words[n]))
            .collect();
        for text in
            ["", "\n", &"\n".repeat(100), &words.join("\n"), &table, &log, &fields, &verse, &paragraphs]
        {
            assert_eq!(join(text.as_bytes()), None, "{}", &text[..text.len().min(99)]);
        }
    }

    #[test]
    fn headings_behind_full_lines_stay_where_most_stand_behind_short_ones() {
        let words = words(8000);
        let entries: String = words
            .chunks(29)
            .map(|words| format!("Heading\n{}", wrapped(words, 60, "\n", "    ", "    ")))
            .collect();
        let (joined, _) = pass(entries.as_bytes()).unwrap();
        let all = entries.matches("\nHeading").count();
        let kept = joined.bytes.windows(8).filter(|eight| eight == b"\nHeading").count();
        assert_eq!(kept, all);
        // First lines of paragraphs are full.
        let paragraphs: String =
            words.chunks(100).map(|words| wrapped(words, 60, "\n", "    ", "") + "\n").collect();
        let (joined, _) = pass(paragraphs.as_bytes()).unwrap();
        assert!(!joined.bytes.windows(2).any(|two| two[0] == b'\n' && two[1].is_ascii_lowercase()));
    }

    #[test]
    fn a_joined_text_of_another_length_is_refused() {
        let text = wrapped(&words(4000), 60, "\n", "> ", "> ");
        let (joined, _) = pass(text.as_bytes()).unwrap();
        let mut packer = Packer::default();
        joined.code_breaks(&mut packer);
        let payload = packer.0.finish();
        for len in [0, 1, joined.bytes.len(), text.len() - 1, text.len() + 1] {
            let mut unpacker = Unpacker(Decoder::new(&payload));
            assert_eq!(
                split(&joined.bytes, joined.form, &mut unpacker, len, &mut Vec::new()),
                Err(NotOfThatLength)
            );
        }
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            9 => "[a-z]{1,9}".prop_map(String::into_bytes),
            9 => Just(b" ".to_vec()),
            3 => Just(b"\n".to_vec()),
            1 => "[A-Zäж.?!\"* #>/-]{1,3}".prop_map(String::into_bytes),
            1 => prop_oneof![Just("\r\n"), Just("\t"), Just("  "), Just("   "), Just("\n\n"), Just(" \n"), Just("\r")]
                .prop_map(|text| text.as_bytes().to_vec()),
            1 => any::<u8>().prop_map(|byte| vec![byte]),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        #[test]
        fn every_text_comes_back(
            width in 20usize..90,
            ends in 0usize..4,
            odd in prop::collection::vec((any::<prop::sample::Index>(), piece()), 0..60),
        ) {
            let end = ["\n", "\r\n", " \n", " \r\n"][ends];
            let mut text = wrapped(&words(6000), width, end, "", "").into_bytes();
            let whole = pass(&text).is_some();
            for (at, piece) in odd {
                let at = at.index(text.len());
                text.splice(at..at, piece);
            }
            pass(&text);
            prop_assert!(whole || width < 30);
        }

        #[test]
        fn no_bytes_make_splitting_panic_or_grow_beyond_what_is_said(
            joined in prop::collection::vec(piece(), 0..300),
            payload in prop::collection::vec(any::<u8>(), 0..200),
            returns in any::<bool>(),
            keeps_gaps in any::<bool>(),
            most in 0usize..3000,
        ) {
            let joined = joined.concat();
            let mut content = Vec::new();
            let form = Form { returns, keeps_gaps };
            let done = split(&joined, form, &mut Unpacker(Decoder::new(&payload)), most, &mut content);
            prop_assert!(content.len() <= most + joined.len() + 4);
            prop_assert_eq!(done.is_ok(), content.len() == most);
        }
    }
}
