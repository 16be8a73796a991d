//! What bytes follow which: counts of short strings, learned from many texts and packed by what
//! each is worth.
//!
//! An [`Ngrams`] holds *contexts*, strings of up to [`ORDER`] bytes or of as many as it was learned
//! with, and how often each byte followed them. A context is kept if what it says beyond its
//! *suffix* (the same without the first byte) would have saved more bits on the texts than it
//! costs; its prefixes and suffixes are kept with it. What it says is coded given what its suffix
//! says, so a context that says the same costs next to nothing.

use std::ops::{BitOr, Shl, Shr};

use foretold_coding::Decoder;
use foretold_numerics::{SharedBytes, Table};

use super::cache;
use super::packing::{Packer, Packing, START, Symbols, Unpacker};

/// Bytes of the longest contexts, unless a prior says otherwise.
pub const ORDER: usize = 6;
/// Most bytes that contexts may have.
pub const MOST_ORDER: usize = 8;

/// Packed n-grams of so many bytes and more are kept as they are when unpacked.
const KEPT_BYTES: usize = 1 << 20;

/// Counts are kept as classes of them.
const CLASSES: usize = 64;
/// The count that each class stands for: 0, 1, 2, 3, 4, 6, 8, 12, 16, …
static COUNTS: [u32; CLASSES] = {
    let mut counts = [0; CLASSES];
    let mut i = 0;
    while i < CLASSES {
        counts[i] = if i < 4 { i as u32 } else { counts[i - 2] * 2 };
        i += 1;
    }
    counts
};

/// The class whose count is nearest below or equal.
pub fn class_of(count: u64) -> u8 {
    if count < 2 {
        return count as u8;
    }
    let log = count.ilog2();
    // Two classes for each power of two: from it on, and from one and a half times of it on.
    (2 * log + (count >> (log - 1) & 1) as u32).min(CLASSES as u32 - 1) as u8
}

/// The count that a class stands for.
pub fn count_of(class: u8) -> u32 {
    COUNTS[usize::from(class) % CLASSES]
}

/// Contexts of one length, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// The bytes, the first highest.
    keys: Vec<u64>,
    /// Where the followers of each begin; one more at the end.
    starts: Vec<u32>,
    followers: Vec<u8>,
    classes: Vec<u8>,
}

impl Level {
    fn find(&self, key: u64) -> Option<usize> {
        self.keys.binary_search(&key).ok()
    }

    /// As [`find`](Self::find), for keys that are asked for in order: `place` is where the last one
    /// is or would be.
    fn find_from(&self, place: &mut usize, key: u64) -> Option<usize> {
        let mut step = 1;
        while self.keys.get(*place + step).is_some_and(|&at| at < key) {
            step *= 2;
        }
        let end = self.keys.len().min(*place + step + 1);
        *place += self.keys[*place..end].partition_point(|&at| at < key);
        (self.keys.get(*place) == Some(&key)).then_some(*place)
    }

    fn range(&self, index: usize) -> std::ops::Range<usize> {
        self.starts[index] as usize..self.starts[index + 1] as usize
    }

    fn total(&self, index: usize) -> u64 {
        self.classes[self.range(index)].iter().map(|&class| u64::from(count_of(class))).sum()
    }

    /// Each context with its followers and their counts' classes.
    pub fn contexts(&self) -> impl Iterator<Item = (u64, &[u8], &[u8])> {
        self.keys.iter().enumerate().map(|(index, &key)| {
            let range = self.range(index);
            (key, &self.followers[range.clone()], &self.classes[range])
        })
    }

    fn push(&mut self, key: u64) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        self.keys.push(key);
        self.starts.push(self.followers.len() as u32);
    }
}

/// Counts of short strings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ngrams {
    /// By length.
    pub levels: Vec<Level>,
}

/// N-grams as they stand in a prior.
#[derive(Clone, Debug)]
pub struct PackedNgrams {
    /// Bytes of the longest contexts.
    pub order: usize,
    /// What [`Ngrams::unpack`] unpacks.
    pub bytes: Vec<u8>,
}

/// Fewest times that a context, and that a follower, must have come.
#[derive(Clone, Copy, Debug)]
pub struct Least {
    pub context: u32,
    pub follower: u32,
    /// Bits a context must save for each that it is thought to cost.
    pub worth: f64,
}

impl Ngrams {
    /// Learns from texts, contexts of `order` bytes, up to [`MOST_ORDER`], being the longest.
    pub fn learn(texts: &[Vec<u8>], order: usize, least: Least) -> Ngrams {
        // A window has one byte more than a context, so only the longest need wider numbers.
        let raw = match order {
            ..MOST_ORDER => all_counted::<u64>(texts, order, least),
            _ => all_counted::<u128>(texts, order, least),
        };
        let totals: Vec<Vec<u64>> =
            raw.iter().map(|level| (0..level.keys.len()).map(|i| level.total(i)).collect()).collect();
        let mut kept: Vec<Vec<bool>> = raw.iter().map(|level| vec![false; level.keys.len()]).collect();
        kept[0][0] = true;
        for length in 1..=order {
            let (level, shorter) = (&raw[length], &raw[length - 1]);
            for (i, &key) in level.keys.iter().enumerate() {
                let Some(suffix) = shorter.find(suffix(key, length)) else { continue };
                let mut gain = 0.0;
                let mut cost = 2.0;
                let mut others = shorter.range(suffix);
                for at in level.range(i) {
                    let other = others.find(|&o| shorter.followers[o] == level.followers[at]);
                    let Some(other) = other else { break };
                    let count = f64::from(count_of(level.classes[at]));
                    let p = count / totals[length][i] as f64;
                    let q = f64::from(count_of(shorter.classes[other])) / totals[length - 1][suffix] as f64;
                    gain += count * (p / q).log2();
                    cost += 3.0;
                }
                kept[length][i] = gain > least.worth * cost;
            }
        }
        for length in (2..=order).rev() {
            for i in 0..raw[length].keys.len() {
                if kept[length][i] {
                    let key = raw[length].keys[i];
                    for other in [key >> 8, suffix(key, length)] {
                        if let Some(at) = raw[length - 1].find(other) {
                            kept[length - 1][at] = true;
                        }
                    }
                }
            }
        }
        let mut levels: Vec<Level> = Vec::new();
        for (length, (level, kept)) in raw.iter().zip(&kept).enumerate() {
            let mut chosen = Level::default();
            for (i, &key) in level.keys.iter().enumerate() {
                // A context must be a follower of its prefix, and have its suffix.
                let reachable = length == 0
                    || levels[length - 1].find(suffix(key, length)).is_some()
                        && levels[length - 1].find(key >> 8).is_some_and(|at| {
                            levels[length - 1].followers[levels[length - 1].range(at)].contains(&(key as u8))
                        });
                if kept[i] && reachable {
                    if chosen.starts.is_empty() {
                        chosen.starts.push(0);
                    }
                    chosen.keys.push(key);
                    for at in level.range(i) {
                        let byte = level.followers[at];
                        // At a text's end a context's last follower is not its suffix's.
                        let said = length == 0
                            || levels[length - 1].find(suffix(key, length)).is_some_and(|suffix| {
                                levels[length - 1].followers[levels[length - 1].range(suffix)].contains(&byte)
                            });
                        if said {
                            chosen.followers.push(byte);
                            chosen.classes.push(level.classes[at]);
                        }
                    }
                    chosen.starts.push(chosen.followers.len() as u32);
                }
            }
            if chosen.starts.is_empty() {
                chosen.starts.push(0);
            }
            levels.push(chosen);
        }
        Ngrams { levels }
    }

    /// How many contexts and followers there are of each length.
    pub fn sizes(&self) -> Vec<(usize, usize)> {
        self.levels.iter().map(|level| (level.keys.len(), level.followers.len())).collect()
    }

    /// The packed bytes; `None` if there are more followers than a prior may have.
    pub fn pack(&self) -> Option<PackedNgrams> {
        let mut coder = Packer::default();
        let order = self.levels.len() - 1;
        walk(&mut coder, (order, MOST_FOLLOWERS), Some(self))?;
        let bytes = coder.0.finish();
        // Each context may be given all that its suffix has.
        let given: usize = self.levels.iter().map(|level| level.followers.len()).sum::<usize>() + 256;
        (given <= most_followers(&bytes)).then_some(PackedNgrams { order, bytes })
    }

    /// What [`pack`](Self::pack) packed, the longest contexts having `order` bytes; `None` if no one did.
    pub fn unpack(bytes: &[u8], order: usize) -> Option<Ngrams> {
        let mut coder = Unpacker(Decoder::new(bytes));
        let found = walk(&mut coder, (order, most_followers(bytes)), None)?;
        coder.0.is_exhausted().then_some(found)
    }

    /// The same of a prior called `name`, kept for other calls and processes: to unpack the shipped
    /// prior's takes more than a second, to read what was unpacked a twentieth of that.
    pub fn unpack_once(name: Option<&str>, bytes: &[u8], order: usize) -> Option<Ngrams> {
        let is_worth_it = bytes.len() >= KEPT_BYTES && cache::folder().is_some();
        let Some(name) = name.filter(|_| is_worth_it) else { return Ngrams::unpack(bytes, order) };
        let file = format!("{name}-ngrams-{}", env!("CARGO_PKG_VERSION"));
        let mut unpacked = None;
        let make = || {
            let ngrams = Ngrams::unpack(bytes, order)?;
            let image = ngrams.image();
            unpacked = Some(ngrams);
            image
        };
        let image = cache::table(Some(&file), None, make);
        unpacked.or_else(|| Ngrams::of_image(&image?, order)).or_else(|| Ngrams::unpack(bytes, order))
    }

    /// As it stands in a cache: for each length how many contexts and followers there are, the
    /// contexts, where the followers of each begin, the followers, and their counts' classes. `None` if
    /// the memory cannot be had.
    fn image(&self) -> Option<SharedBytes> {
        let bytes: usize =
            self.levels.iter().map(|level| 12 + 12 * level.keys.len() + 2 * level.followers.len()).sum();
        let mut table = Table::try_new(bytes)?;
        let mut rest = &mut table[..];
        let mut put = |bytes: &[u8]| {
            let (here, after) = std::mem::take(&mut rest).split_at_mut(bytes.len());
            here.copy_from_slice(bytes);
            rest = after;
        };
        for level in &self.levels {
            put(&(level.keys.len() as u32).to_le_bytes());
            put(&(level.followers.len() as u32).to_le_bytes());
            level.keys.iter().for_each(|key| put(&key.to_le_bytes()));
            level.starts.iter().for_each(|start| put(&start.to_le_bytes()));
            put(&level.followers);
            put(&level.classes);
        }
        Some(table.into())
    }

    /// What an image holds; `None` if it is none.
    fn of_image(image: &[u8], order: usize) -> Option<Ngrams> {
        let mut rest = image;
        let mut take = |bytes: usize| {
            let (here, after) = rest.split_at_checked(bytes)?;
            rest = after;
            Some(here)
        };
        let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let mut levels = Vec::new();
        for _ in 0..=order {
            let sizes = take(8)?;
            let (contexts, followers) = (word(sizes) as usize, word(&sizes[4..]) as usize);
            let keys = take(contexts.checked_mul(8)?)?.as_chunks().0;
            let starts = take((contexts + 1).checked_mul(4)?)?.as_chunks().0;
            let level = Level {
                keys: keys.iter().map(|&key| u64::from_le_bytes(key)).collect(),
                starts: starts.iter().map(|&start| u32::from_le_bytes(start)).collect(),
                followers: take(followers)?.to_vec(),
                classes: take(followers)?.to_vec(),
            };
            let is_whole =
                level.starts.is_sorted() && level.starts.last().is_some_and(|&end| end as usize <= followers);
            if !is_whole {
                return None;
            }
            levels.push(level);
        }
        rest.is_empty().then_some(Ngrams { levels })
    }
}

/// A context without its first byte.
fn suffix(key: u64, length: usize) -> u64 {
    key & ((1u64 << (8 * (length - 1))) - 1)
}

/// The contexts of each length up to `order` that came often enough. Strings of one byte more are numbers `W`.
fn all_counted<W>(texts: &[Vec<u8>], order: usize, least: Least) -> Vec<Level>
where
    W: Copy + Ord + From<u8> + Shl<u32, Output = W> + Shr<u32, Output = W> + BitOr<Output = W>,
    u128: From<W>,
{
    let mut windows: Vec<W> = Vec::with_capacity(texts.iter().map(Vec::len).sum());
    for text in texts {
        let number = |window: &[u8]| window.iter().fold(W::from(0), |k, &byte| k << 8 | W::from(byte));
        windows.extend(text.windows(order + 1).map(number));
    }
    windows.sort_unstable();
    (0..=order).map(|length| counted(&windows, (order, length), least)).collect()
}

/// The contexts of one length that came often enough, with their followers, of strings that are one byte longer
/// than `order`.
fn counted<W>(windows: &[W], (order, length): (usize, usize), least: Least) -> Level
where
    W: Copy + Ord + Shr<u32, Output = W>,
    u128: From<W>,
{
    let shift = 8 * (order - length) as u32;
    // The context and its follower, of at most nine bytes.
    let string = |window: W| u128::from(window >> shift);
    let mut level = Level::default();
    let mut rest = windows;
    while let Some(&first) = rest.first() {
        let key = (string(first) >> 8) as u64;
        let all = rest.partition_point(|&window| (string(window) >> 8) as u64 == key);
        let (mut group, after) = rest.split_at(all);
        rest = after;
        if all < least.context as usize && length > 0 {
            continue;
        }
        let before = level.followers.len();
        while let Some(&first) = group.first() {
            let count = group.partition_point(|&window| string(window) == string(first));
            if count >= least.follower as usize {
                level.followers.push(string(first) as u8);
                level.classes.push(class_of(count as u64));
            }
            group = &group[count..];
        }
        if level.followers.len() > before {
            level.push(key);
            *level.starts.last_mut().expect("just pushed") = level.followers.len() as u32;
        }
    }
    if length == 0 && level.keys.is_empty() {
        level.push(0);
    }
    if level.starts.is_empty() {
        level.starts.push(0);
    }
    level
}

/// Adaptive probabilities of everything that is packed.
struct Models {
    kept: Vec<u32>,
    there: Vec<u32>,
    class: Symbols,
    /// How many followers there may still be.
    room: usize,
}

const BUCKETS: usize = 96;

impl Models {
    fn new(order: usize, room: usize) -> Models {
        Models {
            kept: vec![START; (order + 1) * CLASSES * 4],
            there: vec![START; (order + 1) * BUCKETS * 2],
            class: Symbols::new(4 * BUCKETS, 6),
            room,
        }
    }
}

/// Twice the base-2 logarithm of a number in units of 1/256, roughly.
fn bucket(e_q8: u64) -> usize {
    let x = e_q8 + 1;
    let log = x.ilog2();
    let half = if log > 0 { (x >> (log - 1) & 1) as usize } else { 0 };
    (2 * log as usize + half).min(BUCKETS - 1)
}

/// Packs `known`, or unpacks; `None` if there is too much, or what is unpacked is not possible.
fn walk(coder: &mut impl Packing, (order, room): (usize, usize), known: Option<&Ngrams>) -> Option<Ngrams> {
    let mut models = Models::new(order, room);
    let mut levels: Vec<Level> = Vec::new();
    for length in 0..=order {
        let truth = known.map(|known| &known.levels[length]);
        let mut level = Level { starts: vec![0], ..Level::default() };
        if length == 0 {
            let said = Said { followers: &ALL_BYTES, classes: &[1; 256], total: 256 };
            followers(coder, &mut models, &mut level, (length, START_COUNT), said, truth.map(|t| (t, 0)))?;
            level.keys.push(0);
            level.starts.push(level.followers.len() as u32);
            levels.push(level);
            continue;
        }
        let shorter = &levels[length - 1];
        let totals: Vec<u64> = (0..shorter.keys.len()).map(|index| shorter.total(index)).collect();
        let mut next = 0;
        // Keys come in order, and so do their suffixes as long as the first byte stays.
        let (mut place, mut first) = (0, 0);
        for (at, &prefix) in shorter.keys.iter().enumerate() {
            for child in shorter.range(at) {
                let key = prefix << 8 | u64::from(shorter.followers[child]);
                if key >> (8 * (length - 1)) != first {
                    (place, first) = (0, key >> (8 * (length - 1)));
                }
                let Some(before) = shorter.find_from(&mut place, suffix(key, length)) else { continue };
                let range = shorter.range(before);
                let is_kept = truth.is_some_and(|t| t.keys.get(next) == Some(&key));
                let class = usize::from(shorter.classes[child]);
                let many = range.len().next_power_of_two().ilog2().min(3) as usize;
                if !coder.bit(&mut models.kept[(length * CLASSES + class) * 4 + many], is_kept) {
                    continue;
                }
                let said = Said {
                    followers: &shorter.followers[range.clone()],
                    classes: &shorter.classes[range],
                    total: totals[before],
                };
                let count = u64::from(COUNTS[class]);
                followers(coder, &mut models, &mut level, (length, count), said, truth.map(|t| (t, next)))?;
                next += 1;
                level.keys.push(key);
                level.starts.push(level.followers.len() as u32);
            }
        }
        levels.push(level);
    }
    Some(Ngrams { levels })
}

static ALL_BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut i = 0;
    while i < 256 {
        bytes[i] = i as u8;
        i += 1;
    }
    bytes
};

/// How often the empty context is taken to have come.
const START_COUNT: u64 = 1 << 20;
/// Most followers of all contexts.
const MOST_FOLLOWERS: usize = 1 << 27;

/// Most followers of all contexts that so many packed bytes may have: a damaged file must not ask for much memory.
fn most_followers(packed: &[u8]) -> usize {
    (packed.len().saturating_mul(256).saturating_add(1 << 16)).min(MOST_FOLLOWERS)
}

/// What follows a suffix.
#[derive(Clone, Copy)]
struct Said<'a> {
    followers: &'a [u8],
    classes: &'a [u8],
    /// Sum of the classes' counts.
    total: u64,
}

/// Codes what follows a context of this length that came so often, given what follows its suffix.
/// `truth` has the context, if it is known, and its number there. `None` if there is too much.
fn followers(
    coder: &mut impl Packing,
    models: &mut Models,
    level: &mut Level,
    (length, count): (usize, u64),
    said: Said<'_>,
    truth: Option<(&Level, usize)>,
) -> Option<()> {
    let before = level.followers.len();
    if said.followers.len() > models.room {
        return None;
    }
    let mut wanted = truth.map_or(0..0, |(level, index)| level.range(index));
    for (&byte, &class) in said.followers.iter().zip(said.classes) {
        // Of 2^27 at most each, the product fits.
        let [count, of_suffix] = [count, u64::from(COUNTS[usize::from(class)])].map(|n| n.min(1 << 27));
        let bucket = bucket(256 * count * of_suffix / said.total.max(1));
        let is_there = truth.is_some_and(|(t, _)| !wanted.is_empty() && t.followers[wanted.start] == byte);
        let few = usize::from(said.followers.len() < 3);
        if !coder.bit(&mut models.there[(length * BUCKETS + bucket) * 2 + few], is_there) {
            continue;
        }
        let true_class = match (truth, is_there) {
            (Some((t, _)), true) => t.classes[wanted.next()?],
            _ => 0,
        };
        let class = models.class.code(coder, length.min(3) * BUCKETS + bucket, true_class.into());
        level.followers.push(byte);
        level.classes.push(class as u8);
    }
    models.room -= level.followers.len() - before;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LEAST: Least = Least { context: 3, follower: 2, worth: 0.5 };

    fn texts() -> Vec<Vec<u8>> {
        let text: String =
            (0..3000).map(|i| format!("item {} costs {} pounds, ", i % 97, i * i % 31)).collect();
        vec![text.into_bytes(), "another text about the cost of items ".repeat(30).into_bytes()]
    }

    #[test]
    fn classes_stand_for_counts_that_grow() {
        assert_eq!(COUNTS[..10], [0, 1, 2, 3, 4, 6, 8, 12, 16, 24]);
        for (count, class) in [(0, 0), (3, 3), (5, 4), (11, 6), (1 << 27, 54), (u64::MAX, 63)] {
            assert_eq!(class_of(count), class, "{count}");
        }
        for (class, &least) in COUNTS.iter().enumerate() {
            assert_eq!(usize::from(class_of(least.into())), class);
            assert_eq!(usize::from(class_of(u64::from(least).max(1) - 1)), class.max(1) - 1, "below {least}");
        }
    }

    #[test]
    fn counts_are_those_of_the_texts() {
        let ngrams = Ngrams::learn(&texts(), ORDER, LEAST);
        let (_, bytes, classes) = ngrams.levels[4].contexts().find(|(key, ..)| *key == 0x636f_7374).unwrap();
        assert_eq!((bytes, count_of(classes[1])), (&b" s"[..], 2048), "3,000 rounded down, after 'cost'");
        assert!(ngrams.sizes().iter().all(|&(contexts, followers)| contexts > 0 && followers >= contexts));
    }

    /// Packed and unpacked again.
    fn again(ngrams: &Ngrams) -> Option<Ngrams> {
        let PackedNgrams { order, bytes } = ngrams.pack().unwrap();
        Ngrams::unpack(&bytes, order)
    }

    #[test]
    fn what_is_packed_comes_back() {
        for order in [1, 5, ORDER, 7, MOST_ORDER] {
            let ngrams = Ngrams::learn(&texts(), order, LEAST);
            let packed = ngrams.pack().unwrap().bytes;
            assert_eq!(ngrams.levels.len(), order + 1);
            assert_eq!(Ngrams::unpack(&packed, order), Some(ngrams.clone()));
            assert!(packed.len() < ngrams.sizes().iter().map(|size| size.1).sum::<usize>());
            let longer = [&packed[..], &[7; 9]].concat();
            assert_eq!(Ngrams::unpack(&longer, order), None, "bytes that no one needs");
            let nothing = Ngrams::learn(&[], order, LEAST);
            assert_eq!(again(&nothing), Some(nothing));
        }
    }

    #[test]
    fn longer_contexts_change_none_of_the_shorter_counts() {
        let least = Least { context: 1, follower: 1, worth: -10.0 };
        let [shorter, longer] = [ORDER, MOST_ORDER].map(|order| Ngrams::learn(&texts()[..1], order, least));
        // The last windows of a text are too short for the longer ones.
        let counts = |level: &Level, text: &str| {
            let key = text.bytes().fold(0, |key, byte| key << 8 | u64::from(byte));
            let (_, bytes, classes) = level.contexts().find(|(other, ..)| *other == key).unwrap();
            (bytes.to_vec(), classes.to_vec())
        };
        for text in ["i", "item", " costs"] {
            let length = text.len();
            assert_eq!(counts(&longer.levels[length], text), counts(&shorter.levels[length], text), "{text}");
        }
        assert_eq!(counts(&longer.levels[8], "tem 96 c"), (b"o".to_vec(), vec![class_of(30)]));
    }

    #[test]
    fn an_image_holds_the_same_or_is_refused() {
        for (texts, order) in [(texts(), ORDER), (vec![], ORDER), (texts(), MOST_ORDER)] {
            let ngrams = Ngrams::learn(&texts, order, LEAST);
            let image = ngrams.image().unwrap().to_vec();
            assert_eq!(Ngrams::of_image(&image, order), Some(ngrams));
            assert_eq!(Ngrams::of_image(&image[..image.len() - 1], order), None);
            assert_eq!(Ngrams::of_image(&[&image[..], &[0]].concat(), order), None);
            for at in 0..8 {
                let mut other = image.clone();
                other[at] ^= 0x80;
                assert_eq!(Ngrams::of_image(&other, order), None, "a size that is not its own");
            }
        }
        let mut image = Ngrams::learn(&texts(), ORDER, LEAST).image().unwrap().to_vec();
        // The end of the only context's followers.
        image[20..24].copy_from_slice(&1000u32.to_le_bytes());
        assert_eq!(Ngrams::of_image(&image, ORDER), None);
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in prop::collection::vec(0u8..6, 0..400), order in 1..=MOST_ORDER) {
            let ngrams = Ngrams::learn(&[text], order, Least { context: 1, follower: 1, worth: -10.0 });
            prop_assert_eq!(again(&ngrams), Some(ngrams));
        }

        #[test]
        fn no_bytes_ask_for_much(noise in prop::collection::vec(any::<u8>(), 0..200), order in 1..=MOST_ORDER) {
            let _ = Ngrams::of_image(&noise, order);
            if let Some(ngrams) = Ngrams::unpack(&noise, order) {
                prop_assert!(ngrams.sizes().iter().map(|size| size.1).sum::<usize>() <= most_followers(&noise));
            }
        }
    }
}
