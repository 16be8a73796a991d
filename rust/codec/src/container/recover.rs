//! What can be saved of a damaged archive.

use std::io::{Read, Seek, Write};

use super::decompressor::Decompressor;
use super::frames::BlockHeader;
use super::info::{MemberInfo, members_from_end};
use super::parser::Place;
use super::scan::{Anchor, anchor_in, find_anchor, message_at};
use super::source::Source;
use super::{Damage, Limits};
use crate::{Error, PriorError, Priors, Tick};

/// Archive bytes read at once.
const READ_BYTES: u64 = 1 << 18;

/// Zeros written at once.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// What [`recover`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Bytes written, zeros for what is lost included.
    pub bytes_written: u64,
    /// What is lost, in order of offset; empty if the archive is intact.
    pub lost: Vec<LostRange>,
}

/// Content that could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostRange {
    /// First lost byte, counted in what was written.
    pub offset: u64,
    /// How many, written as zeros; 0 if the damage costs no content, `None` if the archive no
    /// longer says how much was lost (nothing was written).
    pub length: Option<u64>,
    /// Why.
    pub reason: String,
}

/// Writes everything that still decodes, zeros in place of what is lost, and says what that is.
///
/// A damaged block is given up from the damaged chunk on. Where the next block starts, the seek
/// index says; if that is damaged too, it is searched for. An error is returned if nothing at all
/// can be read, if a limit is met, or if reading or writing fails.
pub fn recover<R: Read + Seek>(
    archive: R,
    to: &mut dyn Write,
    limits: &Limits,
    tick: Tick<'_>,
) -> Result<RecoveryReport, Error> {
    limits.validate()?;
    let mut source = Source::new(archive)?;
    let known = members_from_end(&mut source)?;
    let priors = limits.priors.clone();
    let report = RecoveryReport::default();
    let mut recovery = Recovery { source, to, limits, tick, known, priors, has_header: false, report };
    let mut place = Place::default();
    while place.offset < recovery.source.length() || place.offset == 0 {
        place = Place { offset: recovery.member(place)?, member: place.member + 1 };
    }
    recovery.to.flush()?;
    Ok(recovery.report)
}

struct Recovery<'a, R> {
    source: Source<R>,
    to: &'a mut dyn Write,
    limits: &'a Limits,
    tick: Tick<'a>,
    /// Members whose header, seek index and trailer are intact.
    known: Vec<MemberInfo>,
    /// The priors at hand for the present member, with what stands in it.
    priors: Priors,
    /// Whether the present member's header was read.
    has_header: bool,
    report: RecoveryReport,
}

impl<R: Read + Seek> Recovery<'_, R> {
    /// Recovers the member at `place` and returns the archive byte after it.
    fn member(&mut self, place: Place) -> Result<u64, Error> {
        // Where this member's content starts in what is written.
        let mut base = self.report.bytes_written;
        let known = self.known.binary_search_by_key(&place.offset, |member| member.offset);
        let known = known.ok().map(|number| self.known[number].clone());
        let mut decompressor = Decompressor::at(self.one_thread(), place)?;
        let decoded = self.decode(&mut decompressor, place.offset);
        self.priors = decompressor.priors().clone();
        self.has_header = decompressor.member_header().is_some();
        let damage = match decoded {
            Ok(Ok(end)) => return Ok(end),
            Ok(Err(damage)) => damage,
            // No check covers the name of a compact member's prior alone: it may be damaged.
            Err(Error::Prior(error @ PriorError::Missing { .. }))
                if decompressor.member_header().is_none() =>
            {
                let damage = Damage::Payload(error.to_string());
                let (offset, member) = (place.offset, place.member);
                Error::Corrupt { offset, member, block: None, chunk: None, damage }
            }
            Err(error) => return Err(error),
        };
        if let Error::Corrupt { damage: Damage::Digest, .. } = damage {
            // Every chunk's own check was right, so nothing can be said to be lost.
            self.report.lost.push(LostRange { offset: base, length: Some(0), reason: damage.to_string() });
            return Ok(decompressor.frame_offset());
        }
        if let Some((end, content_bytes)) = message_at(&mut self.source, place.offset)? {
            self.lose(Some(content_bytes), &mut Some(damage))?;
            return Ok(end);
        }
        let mut total = known.as_ref().map(|member| member.content_bytes);
        total = total.or(decompressor.member_header().and_then(|header| header.content_bytes));
        let mut from = damage.offset() + 1;
        // Damage whose cost in content is not known yet.
        let mut damage = Some(damage);
        loop {
            let anchor = match &known {
                Some(member) => anchor_in(&mut self.source, member, from)?,
                None => find_anchor(&mut self.source, from)?,
            };
            let mut done = self.report.bytes_written - base;
            let (missing, end) = match anchor {
                Some(Anchor::Block(offset, header)) => {
                    if header.content_offset < done {
                        // It belongs to a later member, whose header is lost.
                        self.lose(None, &mut damage)?;
                        (base, done) = (self.report.bytes_written, 0);
                    }
                    if header.content_offset > done {
                        self.lose(Some(header.content_offset - done), &mut damage)?;
                    }
                    match self.block(Place { offset, ..place }, &header)? {
                        Ok(end) => from = end,
                        Err(error) => {
                            from = error.offset().max(offset) + 1;
                            damage = Some(error);
                        }
                    }
                    continue;
                }
                Some(Anchor::Index(end, content_bytes)) => {
                    total = Some(content_bytes);
                    from = end;
                    continue;
                }
                Some(Anchor::Trailer(end, content_bytes)) => (content_bytes.checked_sub(done), end),
                Some(Anchor::Member(offset)) => (total.and_then(|total| total.checked_sub(done)), offset),
                None => (total.and_then(|total| total.checked_sub(done)), self.source.length()),
            };
            match damage.take() {
                Some(error) if end == self.source.length() && missing.is_none() && self.is_empty() => {
                    return Err(error);
                }
                unknown => damage = unknown,
            }
            if missing != Some(0) || damage.is_some() {
                self.lose(missing, &mut damage)?;
            }
            return Ok(end);
        }
    }

    /// Whether nothing at all has been read so far.
    fn is_empty(&self) -> bool {
        self.report.bytes_written == 0 && self.report.lost.is_empty()
    }

    fn one_thread(&self) -> Limits {
        Limits { max_output: None, threads: 1, ..self.limits.clone() }
    }

    fn block(&mut self, place: Place, header: &BlockHeader) -> Result<Result<u64, Error>, Error> {
        let limits = Limits { priors: self.priors.clone(), ..self.one_thread() };
        let mut decompressor = Decompressor::at_block(limits, place, header)?;
        match self.decode(&mut decompressor, place.offset) {
            // Weights that stand in the archive are lost with the header before them.
            Err(Error::Prior(error @ PriorError::Missing { .. })) if !self.has_header => {
                let (offset, member, block) = (place.offset, place.member, Some(header.number.into()));
                let damage = Damage::Payload(error.to_string());
                Ok(Err(Error::Corrupt { offset, member, block, chunk: Some(0), damage }))
            }
            decoded => decoded,
        }
    }

    /// Decodes from archive byte `position` on and writes what comes: to the end, which is
    /// returned, or to the damage, which is.
    fn decode(
        &mut self,
        decompressor: &mut Decompressor,
        mut position: u64,
    ) -> Result<Result<u64, Error>, Error> {
        let start = position;
        loop {
            let data = self.source.read(position, READ_BYTES)?;
            position += data.len() as u64;
            let mut content = Vec::new();
            let mut result = decompressor.push(&data, &mut content, None, self.tick);
            self.write(&content)?;
            if result.is_ok() && decompressor.eof() {
                return Ok(Ok(start + decompressor.archive_bytes()));
            }
            if result.is_ok() && data.is_empty() {
                result = decompressor.end_of_input();
            }
            match result {
                Ok(()) => {}
                Err(damage @ (Error::Corrupt { .. } | Error::Format { .. })) => return Ok(Err(damage)),
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&mut self, content: &[u8]) -> Result<(), Error> {
        let written = self.report.bytes_written.saturating_add(content.len() as u64);
        match self.limits.max_output {
            Some(allowed) if written > allowed => return Err(Error::OutputLimit { allowed }),
            _ => {}
        }
        self.to.write_all(content)?;
        self.report.bytes_written = written;
        Ok(())
    }

    /// Notes that so many bytes are lost here because of `damage`, and writes zeros for them.
    fn lose(&mut self, length: Option<u64>, damage: &mut Option<Error>) -> Result<(), Error> {
        let reason = damage.take().map_or("its blocks are missing".into(), |damage| damage.to_string());
        self.report.lost.push(LostRange { offset: self.report.bytes_written, length, reason });
        let mut rest = length.unwrap_or(0);
        while rest > 0 {
            let now = rest.min(ZEROS.len() as u64);
            self.write(&ZEROS[..now as usize])?;
            rest -= now;
            if (self.tick)(0).is_break() {
                return Err(Error::Interrupted);
            }
        }
        Ok(())
    }
}
