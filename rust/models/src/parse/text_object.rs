//! Text objects of PDF: what content streams show between `BT` and `ET`.

use super::advance::{Advance, Number};
use super::words::is_alphanumeric;
use crate::hash::hash;
use crate::state::{StateError, StateIo};

/// The bytes before the line feeds with which a text object begins, `BT` on a line of its own or behind a change
/// of coordinates, and before the line feed or space with which it ends.
const BEGIN: u64 = u32::from_be_bytes([0, b'\n', b'B', b'T']) as u64;
const BEGIN_BEHIND_CM: u64 = u64::from_be_bytes(*b"\0\0\0cm BT");
const END: u64 = u32::from_be_bytes([0, b'\n', b'E', b'T']) as u64;
/// So many bytes after the last bracket it was no text object.
const LOST: u32 = 255;
/// A space moves on by so many thousandths of an em, at least.
const SPACE: i32 = 200;
/// The most that spaces count to.
const MOST: i32 = 9999;

/// Where the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Place {
    /// In no text object.
    #[default]
    Outside,
    /// Between literal strings.
    Between,
    /// In a literal string.
    Literal,
    /// Behind a `\` there.
    Escape,
    /// Behind the first digit of an octal code.
    Digit,
    /// Behind its second digit.
    Digits,
}

/// A text object of PDF, as TeX writes it: `[(W)83(ords)-333(in)]TJ 0 -13.5 Td[(lines)]TJ`.
///
/// Literal strings show their bytes. Between them stand numbers, which move what follows to the
/// left by thousandths of an em, and operators. A number far below 0 stands for a space; `Td`,
/// `TD` and `T*` turn to another line. Where words stand alone, `(W)Tj 9.83 0 Td (ords)Tj`, `Td` may also move
/// along the line, past a space or nothing.
#[derive(Debug, Default)]
pub struct TextObject {
    place: Place,
    /// Brackets open in the literal string, up to 255.
    depth: u32,
    /// The octal code so far.
    octal: u32,
    /// Bytes since a literal string began or ended.
    since: u32,
    /// Hash of the bytes since the last literal string.
    run: u64,
    /// Whether these are digits, `-` and spaces.
    plain: bool,
    number: Number,
    advance: Advance,
    /// What the next literal string shows before its bytes: a space, a line feed or, if 0, nothing.
    due: u8,
    /// The last byte shown.
    last: u8,
    /// Whether the line has had no space yet.
    first: bool,
    /// The number of the line's spaces, and what it is more behind each mark.
    space: i32,
    more: [i32; 8],
    /// What the newest byte shows, and how many bytes that is.
    shown: [u8; 2],
    count: usize,
}

impl TextObject {
    /// Adds the newest byte; false if it belongs to no text object.
    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8, last8: u64) -> bool {
        let last3 = last8 & 0xff_ffff;
        let begins = || byte == b'\n' && (last3 == BEGIN || last8 & 0xff_ffff_ffff == BEGIN_BEHIND_CM);
        if self.place == Place::Outside && !begins() {
            return false;
        }
        self.step(byte, last3);
        true
    }

    /// What the newest byte shows.
    pub(super) fn shown(&self) -> ([u8; 2], usize) {
        (self.shown, self.count)
    }

    fn show(&mut self, byte: u8) {
        self.shown[self.count] = byte;
        self.count += 1;
        self.last = byte;
    }

    fn show_of_literal(&mut self, byte: u8) {
        self.show(byte);
        self.advance.show(byte);
    }

    #[cold]
    fn step(&mut self, byte: u8, last3: u64) {
        self.count = 0;
        self.since += 1;
        if self.place == Place::Outside {
            self.show(byte);
            self.leave_literal();
            self.plain = false;
            self.first = true;
            self.due = 0;
            return;
        }
        if matches!(byte, b'\n' | b' ') && last3 == END || self.since >= LOST {
            self.show(byte);
            self.place = Place::Outside;
            return;
        }
        match (self.place, byte) {
            (Place::Between, _) => self.step_between(byte, last3 as u8),
            (Place::Escape, b'0'..=b'7') => {
                self.octal = u32::from(byte - b'0');
                self.place = Place::Digit;
            }
            (Place::Escape, _) => {
                if matches!(byte, b'(' | b')' | b'\\') {
                    self.show_of_literal(byte);
                }
                self.place = Place::Literal;
            }
            (Place::Digit | Place::Digits, b'0'..=b'7') => {
                self.octal = self.octal << 3 | u32::from(byte - b'0');
                if self.place == Place::Digits {
                    self.show_of_literal(self.octal as u8);
                    self.place = Place::Literal;
                } else {
                    self.place = Place::Digits;
                }
            }
            // A shorter octal code shows nothing.
            (_, b'\\') => self.place = Place::Escape,
            (_, b')') if self.depth == 0 => self.leave_literal(),
            _ => {
                match byte {
                    b'(' => self.depth = (self.depth + 1).min(255),
                    b')' => self.depth -= 1,
                    _ => {}
                }
                self.show_of_literal(byte);
                self.place = Place::Literal;
            }
        }
    }

    fn leave_literal(&mut self) {
        self.place = Place::Between;
        self.since = 0;
        self.run = 0;
        self.plain = true;
        self.number = Number::default();
        self.advance.end_literal();
    }

    fn step_between(&mut self, byte: u8, before: u8) {
        self.run = hash(self.run, u32::from(byte));
        self.advance.push(byte);
        match byte {
            b'(' => {
                self.end_number();
                if self.due != 0 {
                    self.show(self.due);
                    self.due = 0;
                }
                self.place = Place::Literal;
                self.depth = 0;
                self.since = 0;
                self.advance.begin_literal();
            }
            b'-' => self.number = Number::negative(),
            b'0'..=b'9' => self.number.push(byte),
            b'.' => self.number.point = true,
            _ => {
                self.end_number();
                self.plain &= byte == b' ';
                match (before, byte) {
                    (b'T', b'f') => self.advance.set_font(),
                    (b'T', b'd' | b'D' | b'*') => self.move_on(byte == b'd'),
                    _ => {}
                }
            }
        }
    }

    /// An operator moves on: to another line, if it is not known better.
    fn move_on(&mut self, is_td: bool) {
        let along = if is_td { self.advance.move_on() } else { None };
        match along {
            Some(true) => self.due = b' ',
            Some(false) => {}
            None => {
                self.due = b'\n';
                self.first = true;
            }
        }
    }

    fn end_number(&mut self) {
        let whole = self.number.whole;
        if self.plain && self.number.negative && whole >= SPACE {
            self.due = if self.due == 0 { b' ' } else { self.due };
            match self.behind_mark() {
                Some(mark) if !self.first => self.more[mark] = whole - self.space,
                _ => self.space = (whole - self.more_here()).clamp(0, MOST),
            }
            self.first = false;
        }
        self.advance.end_number(&self.number);
        self.number = Number::default();
    }

    /// The place in `more` of the mark that was shown last, if it is no letter or digit.
    fn behind_mark(&self) -> Option<usize> {
        let letter = is_alphanumeric(self.last);
        if letter { None } else { Some(usize::from(self.last & 7)) }
    }

    fn more_here(&self) -> i32 {
        self.behind_mark().map_or(0, |at| self.more[at])
    }

    /// In a literal string 0. In an escape a hash of it so far and of `here`, between literal
    /// strings one of what stands there so far: of a number, how it compares with the number that
    /// a space would have, or with the advance that is expected. Behind an advance's point terms tell
    /// strings apart, words only how long they are.
    pub(super) fn code(&self, here: u64, of_terms: bool) -> u64 {
        let number = &self.number;
        match self.place {
            Place::Outside | Place::Literal => 0,
            Place::Escape => hash(here, 1),
            Place::Digit => hash(here, 0x10 | self.octal),
            Place::Digits => hash(here, 0x100 | self.octal),
            Place::Between if self.advance.is_expected() => match number.negative || number.decimals > 0 {
                false => self.advance.compared(number),
                true if of_terms => hash(self.run ^ self.advance.literal, 5),
                true => self.advance.with_bytes(self.run, number),
            },
            Place::Between if !self.plain || number.point => self.run,
            Place::Between => {
                let expected = (self.space + self.more_here()).clamp(0, MOST) as u32;
                let all = expected.checked_ilog10().unwrap_or(0) + 1;
                // The digit that comes after the first `n` of them; 10 after the last.
                let digit = |n: u32| if n < all { expected / 10u32.pow(all - 1 - n) % 10 } else { 10 };
                let begun = expected / 10u32.pow(all.saturating_sub(number.digits));
                let apart = (number.whole - begun as i32).clamp(-2, 2) + 2;
                let state =
                    u32::from(number.negative) | u32::from(self.first) << 1 | u32::from(self.due != 0) << 2;
                let digits = number.digits << 3 | digit(number.digits) << 6 | digit(number.digits + 1) << 10;
                hash(1, state | digits | (apart as u32) << 14)
            }
        }
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        const PLACES: [Place; 6] =
            [Place::Outside, Place::Between, Place::Literal, Place::Escape, Place::Digit, Place::Digits];
        io.section("text object")?;
        let flags = [self.plain, self.first].map(u8::from);
        let mut bytes = [self.place as u8, self.due, self.last, flags[0], flags[1]];
        io.u8s(&mut bytes)?;
        let [place, due, last, flags @ ..] = bytes;
        self.place = *PLACES.get(usize::from(place)).ok_or(StateError::Impossible("text object"))?;
        (self.due, self.last) = (due, last);
        [self.plain, self.first] = flags.map(|flag| flag != 0);
        io.u64(&mut self.run)?;
        for value in [&mut self.depth, &mut self.octal, &mut self.since] {
            io.u32(value)?;
        }
        let bounded = self.depth <= 255 && self.octal <= 0o777 && self.since <= LOST;
        let mut numbers = [0; 9];
        numbers[..8].copy_from_slice(&self.more);
        numbers[8] = self.space;
        let mut words = numbers.map(|number| number as u32);
        io.u32s(&mut words)?;
        numbers = words.map(|word| word as i32);
        self.more.copy_from_slice(&numbers[..8]);
        self.space = numbers[8];
        let counted = numbers.iter().all(|number| (-MOST..=MOST).contains(number));
        if !bounded || !counted {
            return Err(StateError::Impossible("text object"));
        }
        self.number.state(io)?;
        self.advance.state(io)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Parsed, Parts};
    use super::*;
    use crate::{StateReader, StateWriter};

    fn push_all(object: &mut TextObject, bytes: &[u8]) -> Vec<u8> {
        let mut shown = Vec::new();
        let mut last8 = 0;
        for &byte in bytes {
            if object.push(byte, last8) {
                let (bytes, count) = object.shown();
                shown.extend_from_slice(&bytes[..count]);
            } else {
                assert_eq!(object.place, Place::Outside);
            }
            last8 = last8 << 8 | u64::from(byte);
        }
        shown
    }

    /// What the bytes of a text object show, without the line feed it begins with.
    fn shown(bytes: &[u8]) -> String {
        let mut object = TextObject::default();
        let shown = push_all(&mut object, &[b"\nBT\n", bytes].concat());
        assert_eq!(shown[0], b'\n');
        shown[1..].iter().map(|&byte| char::from(byte)).collect()
    }

    #[test]
    fn literal_strings_show_their_bytes() {
        assert_eq!(shown(b"/F8 9.96 Tf [(W)83(ords)]TJ"), "Words");
        assert_eq!(shown(b"(one)Tj(two)"), "onetwo");
        assert_eq!(shown(b"[()-1()]TJ"), "");
    }

    #[test]
    fn a_number_far_below_zero_shows_a_space() {
        assert_eq!(shown(b"[(a)-200(b)-199(c)-1000.5(d)200(e) -333 (f)-3-2(g)]"), "a bc de fg");
        assert_eq!(shown(b"[(a)-99999999999999999999999999999999999999(b)]"), "a b");
        // An operand is no space.
        assert_eq!(shown(b"[(a)]TJ -333 0 Tz(b)"), "ab");
    }

    #[test]
    fn a_line_move_shows_a_line_feed() {
        for operator in ["0 -13.5 Td", "0 -13.5 TD", "T*", "-333.1 -13.5 Td"] {
            assert_eq!(shown(format!("[(a)-300]TJ {operator}[(b)]TJ").as_bytes()), "a\nb");
        }
        assert_eq!(shown(b"/F8 9 Tf 0 -13.5 Td[(a)]TJ 0 g (b)"), "\nab");
    }

    #[test]
    fn an_advance_is_a_space_or_none() {
        let show = |advances: [&str; 4]| {
            let [break_, space, wide, line] = advances;
            let text = format!(
                "/R7 10 Tf (W)Tj\n{break_} 0 Td\n(ords)Tj\n{space} 0 Td\n(in)Tj\n{wide} 0 Td\n(a)Tj\n{line} Td\n(line)Tj"
            );
            shown(text.as_bytes())
        };
        assert_eq!(show(["9.4", "21.2", "11", "-40 -12"]), "Words in a\nline");
        assert_eq!(show(["9.4", "21.2", "11", "-40 0"]), "Words in a\nline");
        // A tenth of an em is no space.
        assert_eq!(show(["10.4", "19", "9.2", "5 0"]), "Words in aline");
        assert_eq!(show(["10.6", "17.9", "7.7", "5 0"]), "W ordsinaline");
        // Arrays, and other operators, move to another line.
        assert_eq!(shown(b"/R7 10 Tf [(a)]TJ 9 0 Td[(b)]TJ (a)Tj 9 0 TD (b)Tj"), "a\nba\nb");
    }

    #[test]
    fn advances_are_compared_with_what_was_shown() {
        let code = |bytes: &[u8]| {
            let mut object = TextObject::default();
            push_all(&mut object, &[b"a cm BT\n/R7 10 Tf (x)Tj 8 0 Td ", bytes].concat());
            [object.code(0, false), object.code(0, true)]
        };
        // As wide, and other letters.
        assert_eq!(code(b"(ab)Tj 1"), code(b"(no)Tj 1"));
        assert_ne!(code(b"(ab)Tj 1"), code(b"(ab)Tj 3"));
        assert_ne!(code(b"(ab)Tj 1"), code(b"(wm)Tj 1"));
        // Behind the point terms tell the strings apart, words how long they are.
        let [words, terms] = [code(b"(ab)Tj 13.2"), code(b"(no)Tj 13.2")];
        assert_eq!(words[0], terms[0]);
        assert_ne!(words[1], terms[1]);
        assert_eq!(code(b"(ab)Tj 13.21")[0], code(b"(no)Tj 17.21")[0]);
        assert_ne!(code(b"(ab)Tj 13.21")[0], code(b"(nor)Tj 17.21")[0]);
    }

    #[test]
    fn escapes_show_what_they_stand_for() {
        assert_eq!(shown(br"(\(a\)\\\252\050\777)"), "(a)\\\u{aa}(\u{ff}");
        assert_eq!(shown(br"(a\nb\12c\1\2d)"), "abcd");
        assert_eq!(shown(br"(a\12)-300(b\1\))"), "a b)");
    }

    #[test]
    fn brackets_may_be_nested() {
        assert_eq!(shown(b"(a(b)(c)\\)d)-300(e)"), "a(b)(c))d e");
        assert_eq!(shown(b"a)b))(c))(d)"), "cd");
        assert_eq!(shown(b"[(a) (b)((c)-300(d)"), "ab(c)-300(d)");
    }

    #[test]
    fn a_text_object_ends() {
        assert_eq!(shown(b"(a)Tj\nET\n(b)"), "a\n");
        assert_eq!(shown(b"(a)Tj\nET Q\n(b)"), "a ");
        assert_eq!(shown(b"(a\nET\n(b)"), "a\nET\n");
        assert_eq!(shown(b"(a)Tj\nET\n(b)\nBT\n(c)"), "a\n\nc");
        // No text object goes on for so long without a string.
        let long = shown(&[&b"(a)"[..], &[b'x'; 254], b"yz(b)"].concat());
        assert_eq!(long, "ay");
        assert_eq!(shown(&[&b"(a)("[..], &[b'x'; 1000]].concat()).len(), 1 + LOST as usize);
    }

    #[test]
    fn other_texts_have_none() {
        let mut object = TextObject::default();
        assert_eq!(push_all(&mut object, b"BT\n(a)\nBT (b)\n BT\nXBT\ncmBT\n\nET\n(c)-300(d)"), b"");
    }

    #[test]
    fn words_are_those_shown() {
        let text = b"\nT\xaawo words, T\xaawo";
        let mut plain = Parsed::new(12, Parts::ALL).unwrap();
        text.iter().for_each(|&byte| plain.push(byte));
        let mut object = Parsed::new(12, Parts::ALL).unwrap();
        for &byte in b"\nBT\n[(T)83(\\252w)-1(o)-334(wor)27(ds,)-412(T)83(\\252wo" {
            object.push(byte);
        }
        assert_eq!(object.words.here(), plain.words.here());
        assert_eq!(object.words.before[..2], plain.words.before[..2]);
        assert_eq!(object.terms.here(), plain.terms.here());
        assert_eq!((object.terms.len, object.terms.gap_before), (plain.terms.len, plain.terms.gap_before));
        assert_eq!(object.letters.last, plain.letters.last);
        assert_eq!(object.expressions.words[0], plain.expressions.words[0]);
        // What stands between strings is told from what stands in them.
        let (words, terms) = (object.words.here(), object.terms.here());
        object.push(b')');
        assert_eq!(object.words.word, plain.words.word);
        assert_ne!(object.words.here(), words);
        assert_ne!(object.terms.here(), terms);
        object.push(b'(');
        assert_eq!((object.words.here(), object.terms.here()), (words, terms));
    }

    #[test]
    fn numbers_are_compared_with_that_of_a_space() {
        let code = |bytes: &[u8]| {
            let mut object = TextObject::default();
            push_all(&mut object, &[b"\nBT\n", bytes].concat());
            object.code(0, false)
        };
        assert_eq!(code(b"[(a)-333(b)-33"), code(b"[(a)-443(c)-44"));
        assert_ne!(code(b"[(a)-333(b)-33"), code(b"[(a)-333(b)-34"));
        assert_ne!(code(b"[(a)-333(b)-33"), code(b"[(a)-333(b)33"));
        // After a comma it is 50 more.
        assert_eq!(code(b"[(a)-333(b,)-383(c)]Td[(d)-400(e,)-45"), code(b"[(a)-333(b)-350(c)-35"));
    }

    #[test]
    fn hostile_bytes_keep_its_state_in_bounds() {
        let mut random = 1u64;
        let mut parsed = Parsed::new(12, Parts::ALL).unwrap();
        b"\nBT\n".iter().for_each(|&byte| parsed.push(byte));
        for at in 0..200_000 {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let pick = (random >> 59) as usize;
            if at % 300 == 0 {
                b"\nBT\n".iter().for_each(|&byte| parsed.push(byte));
            }
            parsed.push(b"((((\\\\)))--001299999999 Tj.dfT\n,"[pick]);
            if at % 5000 == 17 {
                // The state is one that can be read again.
                let mut state = Vec::new();
                parsed.text_object.state(&mut StateWriter(&mut state)).unwrap();
                parsed.text_object.state(&mut StateReader(&mut &state[..])).unwrap();
            }
        }
    }

    #[test]
    fn a_restored_past_goes_on_the_same() {
        let bytes =
            b"\nBT\n/F8 9.96 Tf 0 0 Td[(W\\252)83(ords,)-333(in)-278(a)]TJ T*[(li(\\050)nes)]TJ (W)Tj 8.75 0 Td (ords)Tj 20.4 0 Td (in)Tj\nET\nq";
        for cut in 0..bytes.len() {
            let mut first = Parsed::new(12, Parts::ALL).unwrap();
            bytes[..cut].iter().for_each(|&byte| first.push(byte));
            let mut state = Vec::new();
            first.state(&mut StateWriter(&mut state)).unwrap();
            let mut second = Parsed::new(12, Parts::ALL).unwrap();
            second.state(&mut StateReader(&mut &state[..])).unwrap();
            assert_eq!(second.words.here(), first.words.here());
            assert_eq!(second.terms.here(), first.terms.here());
            for &byte in &bytes[cut..] {
                first.push(byte);
                second.push(byte);
            }
            let mut ends = [Vec::new(), Vec::new()];
            first.state(&mut StateWriter(&mut ends[0])).unwrap();
            second.state(&mut StateWriter(&mut ends[1])).unwrap();
            assert!(ends[0] == ends[1], "cut at {cut}");
        }
    }
}
