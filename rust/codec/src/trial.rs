//! Whether a content is smaller for starting from English, where its looks leave that open: its start is
//! coded both ways. FORMAT.md, "Transformed text"; what it brings: ARCHITECTURE.md.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::container::lanes;
use crate::knowledge::{Prior, Priors, looks_english};
use crate::pieces::Piece;
use crate::{ChunkCoder, EngineError, Error, ModelPlan, Options, Preset, Tick};

/// The strongest preset that is tried: stronger ones choose nearly alike, and take up to ten times as long.
const STRONGEST: u8 = 5;
/// The same for contents that are soon coded.
const STRONGEST_OF_SMALL: u8 = 9;
const SMALL: usize = 1 << 14;
/// Bytes of the two halves that are coded, at most, of contents that are longer.
const HALF: usize = 1 << 16;
/// Bytes up to which the second half is taken to go on.
const FORESEEN: usize = 1 << 20;
/// What is foreseen must be smaller by one part in so many.
const WORTH: u64 = 100;

/// Whether a content that begins with `start` is better begun with English than with nothing; as a
/// message without a container, or as a block.
pub fn english_pays(start: &[u8], options: &Options, is_raw: bool) -> Result<bool, Error> {
    let looks = looks_english(start, options.preset);
    if looks.is_clear {
        return Ok(looks.fits);
    }
    let mut ways = [Way::from(Some(Prior::english())), Way::from(None)];
    let code =
        |way: &mut Way, tick: Tick<'_>| way.code(start, options, is_raw, tick).map_err(Error::from_engine);
    let no_tick = &mut |_| ControlFlow::Continue(());
    match options.threads {
        1 => ways.iter_mut().try_for_each(|way| code(way, no_tick))?,
        _ => lanes::run(ways.iter_mut().collect(), code, no_tick)?,
    }
    let [with, without] = ways.map(|way| way.coded_bytes);
    Ok(foreseen_smaller(start.len(), with, without))
}

/// What a content may start from.
struct Way {
    prior: Option<&'static Arc<Prior>>,
    /// Bytes that the halves of its first 128 KiB take; of shorter contents all is in the first.
    coded_bytes: [usize; 2],
}

impl Way {
    fn from(prior: Option<&'static Arc<Prior>>) -> Way {
        Way { prior, coded_bytes: [0; 2] }
    }

    fn code(
        &mut self,
        start: &[u8],
        options: &Options,
        is_raw: bool,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        let sample = &start[..start.len().min(2 * HALF)];
        let strongest = if start.len() <= SMALL { STRONGEST_OF_SMALL } else { STRONGEST };
        let strongest = Preset::new(strongest).expect("there is one");
        let plan = ModelPlan::for_block(options.preset.min(strongest), sample.len() as u64)
            .with_prior(self.prior.map(|prior| prior.id()));
        let priors = Priors::default();
        let mut coder = ChunkCoder::new(plan, &priors)?;
        if is_raw {
            coder = coder.for_message();
        }
        coder.settle(options.transform, start);
        let end = if sample.len() < start.len() { HALF } else { sample.len() };
        let (first, second) = sample.split_at(end);
        for (half, coded_bytes) in [first, second].into_iter().zip(&mut self.coded_bytes) {
            if half.is_empty() {
                continue;
            }
            let coded = coder.encode_piece(half, &Piece::plain(half), options.transform, tick)?;
            *coded_bytes = coded.payload.len();
            if coder.is_spent() {
                coder = coder.afresh(&priors)?;
            }
        }
        Ok(())
    }
}

/// Whether a content is smaller with what codes its start as `with` says: of one that is longer than the
/// two halves, if all that follows costs what the second does.
fn foreseen_smaller(content_bytes: usize, with: [usize; 2], without: [usize; 2]) -> bool {
    if content_bytes <= 2 * HALF {
        return with[0] < without[0];
    }
    let rest = (content_bytes.min(FORESEEN) - 2 * HALF) as u64;
    let foreseen = |halves: [usize; 2]| {
        let [first, second] = halves.map(|half| half as u64);
        (first + second) * HALF as u64 + second * rest
    };
    foreseen(with) * WORTH < foreseen(without) * (WORTH - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Knowledge, compress, compress_raw};

    /// Every line is in English words, and no line is news.
    fn log_in_words(lines: u32) -> Vec<u8> {
        let states = ["NewReplica", "OnlineReplica", "OfflineReplica"];
        let line = |number: u32| {
            let mixed = number.wrapping_mul(2_654_435_761) >> 16;
            let (partition, from) = (mixed % 50, mixed as usize / 50 % 3);
            let to = states[(from + 1) % 3];
            format!(
                "the controller has changed the state of partition {partition} of the topic from {} to {to}\n",
                states[from]
            )
        };
        (0..lines).map(line).collect::<String>().into_bytes()
    }

    fn len(data: &[u8], preset: u8, knowledge: Knowledge, threads: usize) -> usize {
        let preset = Preset::new(preset).unwrap();
        let options = Options { knowledge, threads, ..Options::new(preset) };
        compress(data, &options, &mut |_| ControlFlow::Continue(())).unwrap().len()
    }

    #[test]
    fn what_only_looks_english_starts_from_nothing() {
        let log = log_in_words(1500);
        let looks = looks_english(&log, Preset::DEFAULT);
        assert!(looks.fits && !looks.is_clear);
        let nothing = len(&log, 5, Knowledge::None, 1);
        assert!(nothing + 16 < len(&log, 5, Knowledge::Prior(Prior::english().clone()), 1));
        for threads in [1, 2] {
            assert_eq!(len(&log, 5, Knowledge::Auto, threads), nothing);
        }
    }

    #[test]
    fn what_does_not_look_english_starts_from_it_if_that_is_smaller() {
        let german = "In einem Loch im Boden, da lebte ein Mann, und niemand kannte seinen Namen. ";
        let text = german.as_bytes();
        for preset in [1, 5, 9] {
            let looks = looks_english(text, Preset::new(preset).unwrap());
            assert!(!looks.fits && !looks.is_clear);
            let english = len(text, preset, Knowledge::Prior(Prior::english().clone()), 1);
            assert!(english < len(text, preset, Knowledge::None, 1));
            for threads in [1, 2] {
                assert_eq!(len(text, preset, Knowledge::Auto, threads), english);
            }
        }
    }

    #[test]
    fn messages_have_no_kind_that_they_could_miss() {
        let table: String =
            (0..90).map(|row| format!("{row:04},{:04},name\n", row * 7919 % 10_000)).collect();
        let raw = |knowledge| {
            let options = Options { knowledge, ..Options::default() };
            compress_raw(table.as_bytes(), &options, &mut |_| ControlFlow::Continue(())).unwrap().len()
        };
        let least = raw(Knowledge::None).min(raw(Knowledge::Prior(Prior::english().clone())));
        assert!(raw(Knowledge::Auto) <= least + 1, "but for the bit that says which");
    }

    #[test]
    fn what_follows_is_foreseen() {
        assert!(foreseen_smaller(2 * HALF, [999, 0], [1000, 0]));
        assert!(!foreseen_smaller(2 * HALF, [1000, 0], [1000, 0]));
        // English gains 100 bytes, then loses 20 in every 64 KiB.
        let (with, without) = ([900, 820], [1000, 800]);
        assert!(foreseen_smaller(3 * HALF, with, without));
        assert!(!foreseen_smaller(7 * HALF, with, without));
        assert!(!foreseen_smaller(usize::MAX, with, without));
        // A little is not worth it.
        assert!(!foreseen_smaller(4 * HALF, [995, 995], [1000, 1000]));
        assert!(foreseen_smaller(4 * HALF, [985, 985], [1000, 1000]));
    }
}
