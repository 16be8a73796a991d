//! Any part of the content, decoding only the blocks it lies in.

use std::io::{Read, Seek};

use super::decompressor::{Decompressor, with_fitted};
use super::frames::{BLOCK_HEADER_BYTES, BlockHeader, FrameError, MAX_MEMBER_HEADER_BYTES};
use super::parser::{Event, Parser, Place};
use super::source::Source;
use super::{ArchiveInfo, BlockInfo, Limits, MemberInfo, info};
use crate::{Damage, Error, Tick};

/// Content of the current block that is kept to be read again.
const WINDOW_BYTES: usize = 64 << 20;

/// Archive bytes read at once.
const READ_BYTES: u64 = 1 << 18;

/// Random access to the content of all members of an archive.
///
/// Reading forwards continues where the last read stopped; going back decodes the block again
/// from its start, unless the place is among the last 64 MiB decoded. `Limits::max_output` does
/// not apply: a read gives as much as was asked for.
pub struct SeekableReader<R> {
    source: Source<R>,
    info: ArchiveInfo,
    /// Every block's first byte in the concatenated contents, its member and its number there.
    starts: Vec<(u64, usize, usize)>,
    limits: Limits,
    cursor: Option<Cursor>,
}

/// A block that is being decoded.
struct Cursor {
    /// Index into `starts`.
    block: usize,
    decompressor: Decompressor,
    /// Archive byte to feed next, and the first one after the block.
    position: u64,
    end: u64,
    /// First byte of the concatenated contents after the block.
    content_end: u64,
    /// The last part of what was decoded, which starts at this byte of the concatenated contents.
    window: Vec<u8>,
    window_start: u64,
}

impl Cursor {
    fn window_end(&self) -> u64 {
        self.window_start + self.window.len() as u64
    }
}

/// The limits with what the weights that stand in the member, if any do, make of their prior.
fn fitted_limits<R: Read + Seek>(
    source: &mut Source<R>,
    member: &MemberInfo,
    limits: &Limits,
    number: u64,
) -> Result<Limits, Error> {
    if member.network_bytes == 0 {
        return Ok(limits.clone());
    }
    let (needed, allowed) = (member.memory_bytes, limits.max_memory);
    if needed > allowed {
        return Err(Error::Memory { needed, allowed });
    }
    let place = Place { offset: member.offset, member: number };
    let start = source.read(member.offset, MAX_MEMBER_HEADER_BYTES + member.network_bytes)?;
    let mut parser = Parser::member(place);
    match parser.next(&start)?.1 {
        Some(Event::Member(header, packed)) => {
            let priors = with_fitted(&limits.priors, &header, packed, place)?;
            Ok(Limits { priors, ..limits.clone() })
        }
        _ => Err(parser.corrupt(Damage::Truncated)),
    }
}

#[allow(clippy::len_without_is_empty)]
impl<R: Read + Seek> SeekableReader<R> {
    /// Reads the archive's headers.
    pub fn new(mut archive: R, limits: Limits) -> Result<SeekableReader<R>, Error> {
        limits.validate()?;
        let info = info(&mut archive)?;
        let mut starts = Vec::new();
        for (member_number, member) in info.members.iter().enumerate() {
            for (number, block) in member.blocks.iter().enumerate() {
                starts.push((member.content_offset + block.content_offset, member_number, number));
            }
        }
        let limits = Limits { max_output: None, threads: 1, ..limits };
        Ok(SeekableReader { source: Source::new(archive)?, info, starts, limits, cursor: None })
    }

    /// Length of all contents together.
    pub fn len(&self) -> u64 {
        self.info.content_bytes
    }

    /// What the archive holds.
    pub fn info(&self) -> &ArchiveInfo {
        &self.info
    }

    /// Fills `buffer` from `offset` on and returns how much there was: less than asked for only
    /// at the end. Checks of chunks are verified, the whole content's digest is not.
    pub fn read_at(&mut self, offset: u64, buffer: &mut [u8], tick: Tick<'_>) -> Result<usize, Error> {
        let mut filled = 0;
        while filled < buffer.len() {
            let from = offset.saturating_add(filled as u64);
            if from >= self.len() {
                break;
            }
            let window = self.window_at(from, tick)?;
            let now = window.len().min(buffer.len() - filled);
            buffer[filled..filled + now].copy_from_slice(&window[..now]);
            filled += now;
        }
        Ok(filled)
    }

    /// Decoded content from byte `from` on: at least one byte, at most to its block's end.
    fn window_at(&mut self, from: u64, tick: Tick<'_>) -> Result<&[u8], Error> {
        let block = self.starts.partition_point(|&(start, _, _)| start <= from) - 1;
        let cursor = self.cursor.take().filter(|at| at.block == block && at.window_start <= from);
        let mut cursor = match cursor {
            Some(cursor) => cursor,
            None => self.open_block(block)?,
        };
        while cursor.window_end() <= from {
            let excess = cursor.window.len().saturating_sub(WINDOW_BYTES);
            if excess > WINDOW_BYTES / 4 {
                cursor.window.drain(..excess);
                cursor.window_start += excess as u64;
            }
            self.decode_more(&mut cursor, tick)?;
        }
        let cursor = self.cursor.insert(cursor);
        Ok(&cursor.window[(from - cursor.window_start) as usize..])
    }

    fn open_block(&mut self, block: usize) -> Result<Cursor, Error> {
        let (start, member_number, number) = self.starts[block];
        let member = &self.info.members[member_number];
        let BlockInfo { offset, archive_bytes, content_offset, content_bytes } = member.blocks[number];
        let place = Place { offset, member: member_number as u64 };
        let decompressor = if member.compact {
            Decompressor::at(self.limits.clone(), place)?
        } else {
            let locate = |damage: Damage| Error::Corrupt {
                offset,
                member: place.member,
                block: Some(number as u64),
                chunk: None,
                damage,
            };
            let frame = self.source.read(offset, BLOCK_HEADER_BYTES as u64)?;
            let header = BlockHeader::parse(&frame).map_err(|error| match error {
                FrameError::Format(problem) => Error::Format { offset, problem },
                FrameError::Damage(damage) => locate(damage),
            })?;
            if (u64::from(header.number), header.content_offset) != (number as u64, content_offset) {
                return Err(locate(Damage::Field {
                    field: "content_offset",
                    found: header.content_offset,
                    allowed: content_offset.to_string(),
                }));
            }
            let limits = fitted_limits(&mut self.source, member, &self.limits, place.member)?;
            Decompressor::at_block(limits, place, &header)?
        };
        Ok(Cursor {
            block,
            decompressor,
            position: offset,
            end: offset + archive_bytes,
            content_end: start + content_bytes,
            window: Vec::new(),
            window_start: start,
        })
    }

    fn decode_more(&mut self, cursor: &mut Cursor, tick: Tick<'_>) -> Result<(), Error> {
        let wanted = READ_BYTES.min(cursor.end - cursor.position);
        let data = self.source.read(cursor.position, wanted)?;
        cursor.position += data.len() as u64;
        let before = cursor.window.len();
        cursor.decompressor.push(&data, &mut cursor.window, None, tick)?;
        let damage = if cursor.window_end() > cursor.content_end {
            let found = cursor.window_end() - cursor.window_start;
            let allowed = "what the headers and the seek index say of the block".into();
            Damage::Field { field: "block's content", found, allowed }
        } else if data.is_empty() && cursor.window.len() == before {
            Damage::Truncated
        } else {
            return Ok(());
        };
        let (_, member, number) = self.starts[cursor.block];
        Err(Error::Corrupt {
            offset: cursor.position,
            member: member as u64,
            block: Some(number as u64),
            chunk: None,
            damage,
        })
    }
}
