//! Engines with one part left out: what `make ablation` measures. No part of the API.

use foretold_models::contexts::Group;

use crate::kinds::chunks;
use crate::setup::{Assembly, Selector, Setup};
use crate::{ChunkCoder, EngineError, ModelPlan, Preset, Transform};

/// A preset's engine, whole or with one part left out. What is left out is left out for text;
/// other content meets the whole engine. The mixer network is not there in any: it was trained on
/// the whole.
#[derive(Debug)]
pub struct Variant {
    /// What the part is: `contexts`, `selector`, `final selector`, `match model`, ...
    pub sort: &'static str,
    /// Its name in the preset's table.
    pub name: String,
    preset: Preset,
    setup: &'static Setup,
    transform: Transform,
}

impl Variant {
    /// The engine with nothing left out.
    pub fn whole(preset: Preset) -> Variant {
        let setup = Box::leak(Box::new(uncorrected(preset)));
        let transform = Transform::Auto;
        Variant { sort: "whole", name: String::from("nothing"), preset, setup, transform }
    }

    /// One engine for each part that can be left out.
    ///
    /// The first group stays, for selectors count on the orders' places. Of selectors one must
    /// be left.
    pub fn all(preset: Preset) -> Vec<Variant> {
        let whole = &uncorrected(preset);
        let text = whole.text;
        let mut variants = Vec::new();
        let mut add = |sort, name: &str, setup: Setup, transform| {
            let setup = Box::leak(Box::new(setup));
            variants.push(Variant { sort, name: name.to_string(), preset, setup, transform });
        };
        let with = |text: Assembly| Setup { text: Box::leak(Box::new(text)), ..*whole };
        let auto = Transform::Auto;
        for (i, group) in text.groups.iter().enumerate().skip(1) {
            add("contexts", group.name, with(without_group(text, i)), auto);
        }
        if text.selectors.len() > 1 {
            for (i, selector) in text.selectors.iter().enumerate() {
                let selectors = without(text.selectors, i, again);
                add("selector", selector.name, with(Assembly { selectors, ..*text }), auto);
            }
        }
        if text.finals.len() > 1 {
            for (i, selector) in text.finals.iter().enumerate() {
                let finals = without(text.finals, i, again);
                add("final selector", selector.name, with(Assembly { finals, ..*text }), auto);
            }
        }
        for (i, min_len) in whole.matches.iter().enumerate() {
            let matches = without(whole.matches, i, |&min_len| min_len);
            add("match model", &format!("{min_len} bytes or more"), Setup { matches, ..*whole }, auto);
        }
        if text.apms > 2 {
            add("APMs", "all but two", with(Assembly { apms: 2, apm_log2: 10, ..*text }), auto);
        }
        if text.runs {
            add("runs", "all", with(Assembly { runs: false, ..*text }), auto);
        }
        if text.directs > 0 {
            add("direct probabilities", "all", with(Assembly { directs: 0, ..*text }), auto);
        }
        if whole.network {
            add("network", "all", Setup { network: false, ..*whole }, auto);
        }
        add("transform", "words", Setup { ..*whole }, Transform::None);
        variants
    }

    /// Length of what `content` is coded to, without the container.
    pub fn coded_bytes(&self, content: &[u8]) -> Result<usize, EngineError> {
        let plan = ModelPlan::for_block(self.preset, content.len() as u64);
        let mut coder = ChunkCoder::with_setup(plan, self.setup, None)?;
        coder.settle(self.transform, content);
        chunks(plan, content).try_fold(0, |total, chunk| {
            let coded = coder.encode(chunk, self.transform, &mut |_| std::ops::ControlFlow::Continue(()))?;
            Ok(total + coded.payload.len())
        })
    }
}

/// Parts of the models of text are left out, so all texts have these.
fn uncorrected(preset: Preset) -> Setup {
    Setup { corrected: false, structured: None, ..*preset.setup() }
}

fn again(selector: &Selector) -> Selector {
    Selector { ..*selector }
}

/// All but the one at `index`, for as long as the process lives.
fn without<T>(all: &[T], index: usize, copy: fn(&T) -> T) -> &'static [T] {
    let rest = all.iter().enumerate().filter(|&(i, _)| i != index).map(|(_, one)| copy(one));
    Box::leak(rest.collect::<Box<[T]>>())
}

/// The contexts behind the group move up, but none of them gets direct probabilities that had
/// none.
fn without_group(assembly: &Assembly, index: usize) -> Assembly {
    let first: usize = assembly.groups[..index].iter().map(|group| group.contexts).sum();
    let after = first + assembly.groups[index].contexts;
    let directs = assembly.directs - (after.min(assembly.directs) - first.min(assembly.directs));
    Assembly { groups: without(assembly.groups, index, |group: &Group| *group), directs, ..*assembly }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"What is left out is left out for text; what is left in is left in. ";

    #[test]
    fn the_whole_engine_is_the_presets() {
        let text = TEXT.repeat(5);
        for number in [1, 5, 9] {
            let preset = Preset::new(number).expect("a preset");
            let plan = ModelPlan::for_block(preset, text.len() as u64);
            let coder = ChunkCoder::new(plan, &crate::Priors::default()).expect("memory");
            let mut coder = coder.without_mixer_network();
            let tick = &mut |_| std::ops::ControlFlow::Continue(());
            let coded = coder.encode(&text, Transform::Auto, tick).expect("coded");
            let whole = Variant::whole(preset).coded_bytes(&text).expect("coded");
            assert_eq!(whole, coded.payload.len());
        }
    }

    #[test]
    fn every_variant_codes_and_is_named_once() {
        for number in 1..=9 {
            let variants = Variant::all(Preset::new(number).expect("a preset"));
            let mut names: Vec<_> = variants.iter().map(|one| (one.sort, &one.name)).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), variants.len());
            for one in &variants {
                assert!(one.coded_bytes(TEXT).expect("coded") <= TEXT.len());
                let (left, all) = (one.setup.text.contexts(), one.preset.setup().text.contexts());
                assert_eq!(left < all, one.sort == "contexts", "{} {}", one.sort, one.name);
                assert!(one.setup.text.directs <= left);
            }
        }
    }
}
