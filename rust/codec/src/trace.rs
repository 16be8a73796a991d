//! Traces: bit by bit, what a preset's models say of a content and what came.

use foretold_numerics::P1;

use crate::evidence::{CONTEXTS, Evidence, columns};
use crate::kinds::chunk_len;
use crate::planting::MOST_PRIMED;
use crate::{ChunkCoder, Error, ModelPlan, Options, Preset, Tick};

/// One bit of a trace.
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a> {
    /// Logits in units of 1/256 and inputs of the mixer, as [`trace_columns`] names them.
    pub columns: &'a [i16],
    /// As [`CONTEXTS`] names them.
    pub contexts: &'a [u8; CONTEXTS.len()],
    /// What would be coded.
    pub p1: P1,
    /// What came.
    pub bit: bool,
}

/// Names of a trace's columns where a preset models text. Structured text has as many: weight sets of
/// the same names, and other contexts in place of those of letters, capitals and forms.
pub fn trace_columns(preset: Preset) -> Vec<String> {
    let setup = preset.setup();
    columns(setup.text, setup.matches, setup.network)
}

/// Codes a text as one block, and tells what its models say: what a mixer network hears, so there
/// is none at work.
pub struct Tracer {
    /// In memory of its own: aligned as its vectors need, wherever the tracer lies.
    coder: Box<ChunkCoder>,
    options: Options,
    content: Vec<u8>,
    /// Bytes of it whose chunks have begun.
    begun: usize,
    /// The chunk's coded bytes, and how many of them are learned.
    coded: Vec<u8>,
    at: usize,
    evidence: Evidence,
}

impl Tracer {
    /// A tracer before the content's first bit.
    pub fn new(content: Vec<u8>, options: &Options) -> Result<Tracer, Error> {
        options.validate()?;
        let prior = options.prior_for(&content)?.map(|prior| prior.id());
        let plan = ModelPlan::for_block(options.preset, content.len() as u64).with_prior(prior);
        let coder = ChunkCoder::new(plan, &options.knowledge.priors()).map_err(Error::from_engine)?;
        let mut coder = Box::new(coder.without_mixer_network().without_trees());
        coder.settle(options.transform, &content);
        let (options, evidence) = (options.clone(), Evidence::default());
        Ok(Tracer { coder, options, content, begun: 0, coded: Vec::new(), at: 0, evidence })
    }

    /// Columns of a row.
    pub fn width(&self) -> usize {
        trace_columns(self.options.preset).len()
    }

    /// Rows that a coded byte takes at most.
    pub fn most_rows(&self) -> usize {
        if self.options.preset.setup().trees > 0 { MOST_PRIMED.into() } else { 8 }
    }

    /// Learns at most so many coded bytes, `see` getting every bit of them; how many there were.
    /// Fewer than asked for, and it is the end of the content.
    pub fn next(
        &mut self,
        coded_bytes: usize,
        see: &mut dyn FnMut(Trace<'_>),
        tick: Tick<'_>,
    ) -> Result<usize, Error> {
        for done in 0..coded_bytes {
            while self.at == self.coded.len() {
                if self.begun == self.content.len() {
                    return Ok(done);
                }
                let end = self.begun + chunk_len(self.coder.plan(), &self.content[self.begun..]);
                let chunk = &self.content[self.begun..end];
                let coded = self.coder.begin_trace(chunk, self.options.transform);
                self.coded = coded.map_err(Error::from_engine)?.ok_or_else(|| {
                    Error::Parameter(format!("bytes {} to {end} of the content are no text", self.begun))
                })?;
                (self.begun, self.at) = (end, 0);
            }
            let evidence = &mut self.evidence;
            self.coder.trace(self.coded[self.at], |predictor, made, p1, bit| {
                predictor.evidence(made, p1, true, evidence);
                see(Trace { columns: &evidence.columns, contexts: &evidence.contexts, p1, bit });
            });
            self.at += 1;
            if done % 4096 == 4095 && tick(4096).is_break() {
                return Err(Error::Interrupted);
            }
        }
        Ok(coded_bytes)
    }
}
