//! Saved states: little-endian fields, for the same release to read again.

use std::io::{self, Read, Write};

use super::frames::BlockLengths;
use crate::knowledge::{PriorId, Priors};
use crate::{ChunkCoder, Error, ModelPlan};

/// What a saved state starts with: its kind, and the release, since no other need read it.
fn heading(kind: &str) -> String {
    format!(
        "foretold {kind} state, release {}, generation {}\n",
        env!("CARGO_PKG_VERSION"),
        super::GENERATION
    )
}

/// Writes fields.
pub struct StateWriter<'a> {
    to: &'a mut dyn Write,
}

impl<'a> StateWriter<'a> {
    pub fn new(to: &'a mut dyn Write) -> StateWriter<'a> {
        StateWriter { to }
    }

    pub fn heading(&mut self, kind: &str) -> Result<(), Error> {
        self.raw(heading(kind).as_bytes())
    }

    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.to.write_all(bytes)?)
    }

    pub fn u8(&mut self, value: u8) -> Result<(), Error> {
        self.raw(&[value])
    }

    pub fn bool(&mut self, value: bool) -> Result<(), Error> {
        self.u8(value.into())
    }

    pub fn u32(&mut self, value: u32) -> Result<(), Error> {
        self.raw(&value.to_le_bytes())
    }

    pub fn u64(&mut self, value: u64) -> Result<(), Error> {
        self.raw(&value.to_le_bytes())
    }

    pub fn option_u64(&mut self, value: Option<u64>) -> Result<(), Error> {
        self.bool(value.is_some())?;
        self.u64(value.unwrap_or(0))
    }

    /// Length and bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.u64(bytes.len() as u64)?;
        self.raw(bytes)
    }

    pub fn lengths(&mut self, blocks: &[BlockLengths]) -> Result<(), Error> {
        self.u64(blocks.len() as u64)?;
        for block in blocks {
            self.u64(block.archive_bytes)?;
            self.u64(block.content_bytes)?;
        }
        Ok(())
    }

    pub fn plan(&mut self, plan: ModelPlan) -> Result<(), Error> {
        self.raw(&[plan.preset().number(), plan.size_class()])?;
        self.raw(&PriorId::to_bytes(plan.prior()))
    }

    pub fn coder(&mut self, coder: Option<&mut ChunkCoder>) -> Result<(), Error> {
        self.bool(coder.is_some())?;
        match coder {
            Some(coder) => {
                self.plan(coder.plan())?;
                coder.save(self.to).map_err(Error::from_engine)
            }
            None => Ok(()),
        }
    }
}

/// Reads fields; a state that ends early or holds an impossible value is an error.
pub struct StateReader<'a> {
    from: &'a mut dyn Read,
}

fn damaged(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::State("it is cut short".into()),
        _ => Error::Io(error),
    }
}

impl<'a> StateReader<'a> {
    pub fn new(from: &'a mut dyn Read) -> StateReader<'a> {
        StateReader { from }
    }

    pub fn heading(&mut self, kind: &str) -> Result<(), Error> {
        let expected = heading(kind);
        let found = self.take(expected.len() as u64)?;
        if found == expected.as_bytes() {
            return Ok(());
        }
        Err(Error::State(format!(
            "it starts with {:?}, {:?} is what this release reads",
            String::from_utf8_lossy(&found),
            expected
        )))
    }

    /// So many bytes; memory grows as they arrive.
    fn take(&mut self, bytes: u64) -> Result<Vec<u8>, Error> {
        let mut taken = Vec::new();
        self.from.take(bytes).read_to_end(&mut taken)?;
        if taken.len() as u64 == bytes {
            return Ok(taken);
        }
        Err(damaged(io::ErrorKind::UnexpectedEof.into()))
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        self.from.read_exact(&mut array).map_err(damaged)?;
        Ok(array)
    }

    pub fn u8(&mut self) -> Result<u8, Error> {
        Ok(self.array::<1>()?[0])
    }

    pub fn bool(&mut self) -> Result<bool, Error> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Error::State(format!("{other} stands where 0 or 1 must"))),
        }
    }

    pub fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub fn option_u64(&mut self) -> Result<Option<u64>, Error> {
        let some = self.bool()?;
        let value = self.u64()?;
        Ok(some.then_some(value))
    }

    /// Length, at most `limit`, and bytes.
    pub fn bytes(&mut self, limit: u64) -> Result<Vec<u8>, Error> {
        let length = self.u64()?;
        if length > limit {
            return Err(Error::State(format!("a length is {length}, at most {limit} is allowed")));
        }
        self.take(length)
    }

    pub fn lengths(&mut self) -> Result<Vec<BlockLengths>, Error> {
        let mut blocks = Vec::new();
        for _ in 0..self.u64()? {
            blocks.push(BlockLengths { archive_bytes: self.u64()?, content_bytes: self.u64()? });
        }
        Ok(blocks)
    }

    pub fn plan(&mut self) -> Result<ModelPlan, Error> {
        let [preset, size_class] = self.array()?;
        let plan = ModelPlan::from_bytes(preset, size_class).map_err(Error::from_engine)?;
        Ok(plan.with_prior(PriorId::from_bytes(self.array()?)))
    }

    /// A model that starts from one of `priors`, if any.
    pub fn coder(&mut self, priors: &Priors) -> Result<Option<ChunkCoder>, Error> {
        if !self.bool()? {
            return Ok(None);
        }
        let plan = self.plan()?;
        Ok(Some(ChunkCoder::load(plan, priors, self.from).map_err(Error::from_engine)?))
    }
}
