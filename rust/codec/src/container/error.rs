//! What can go wrong with an archive, or with what a caller asks for.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::EngineError;
use crate::knowledge::PriorError;

/// Everything the container, the streams and the file functions can fail with.
#[derive(Debug, Error)]
pub enum Error {
    /// The bytes are not an archive that this release reads.
    #[error("{problem} (at byte {offset})")]
    Format {
        /// Archive byte where the unreadable member starts.
        offset: u64,
        /// What was found.
        problem: FormatProblem,
    },
    /// The archive is damaged or cut short.
    #[error("{}", describe_damage(*.offset, *.member, *.block, *.chunk, .damage))]
    Corrupt {
        /// Archive byte where the damaged frame starts.
        offset: u64,
        /// Member, counted from 0.
        member: u64,
        /// Block of the member, counted from 0, if the damage is inside one.
        block: Option<u64>,
        /// Chunk of the block, counted from 0, if the damage is inside one.
        chunk: Option<u64>,
        /// What was found.
        damage: Damage,
    },
    /// A raw message is damaged, or its size, preset or prior are others.
    #[error("damaged raw message, or of another size, preset or prior: {0}")]
    Raw(Damage),
    /// Decoding would need more memory than allowed.
    #[error("decoding needs {needed} bytes of memory, allowed are {allowed}")]
    Memory {
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// The content is longer than allowed.
    #[error("the content is longer than the {allowed} bytes allowed")]
    OutputLimit {
        /// Bytes allowed.
        allowed: u64,
    },
    /// A caller's value is out of range, or a call came out of order.
    #[error("{0}")]
    Parameter(String),
    /// A saved state is damaged, or of another release.
    #[error("saved state: {0}")]
    State(String),
    /// The caller's tick asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A prior is missing, another one, or damaged.
    #[error(transparent)]
    Prior(#[from] PriorError),
    /// The model failed for a reason that lies in neither the archive nor the call.
    #[error(transparent)]
    Engine(EngineError),
    /// A file cannot be opened, read, written or placed.
    #[error("cannot {action} {}: {error}", .path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The target exists and may not be replaced.
    #[error("{} exists", .0.display())]
    Exists(PathBuf),
    /// A path leads to a folder, a pipe or a device.
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
    /// The target is the source itself.
    #[error("{} is the source and the target", .0.display())]
    SameFile(PathBuf),
    /// Another process writes this partial output.
    #[error("{} is being written by another process", .0.display())]
    Busy(PathBuf),
    /// A file is not what a run found or left there.
    #[error("{} has changed: {reason}", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What is different.
        reason: String,
    },
    /// A file cannot be used as a checkpoint.
    #[error("checkpoint {}: {reason}", .path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The archive just written does not decode to what was read.
    #[error("verification of {} failed: {reason}", .path.display())]
    Verification {
        /// The archive.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
}

impl Error {
    /// The engine's error outside the decoding of a chunk.
    pub(crate) fn from_engine(error: EngineError) -> Error {
        match error {
            EngineError::Interrupted => Error::Interrupted,
            EngineError::BadState => Error::State("damaged model".into()),
            EngineError::Io(error) => Error::Io(error),
            EngineError::Prior(error) => Error::Prior(error),
            other => Error::Engine(other),
        }
    }
}

impl Error {
    /// Archive byte where the frame that cannot be read starts; 0 for errors of other kinds.
    pub(crate) fn offset(&self) -> u64 {
        match self {
            Error::Format { offset, .. } | Error::Corrupt { offset, .. } => *offset,
            _ => 0,
        }
    }
}

/// Why bytes are not an archive that this release reads.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FormatProblem {
    /// No member starts here.
    #[error("not a foretold archive: found bytes {}", hex(.0))]
    NotForetold(Vec<u8>),
    /// Written by a release with another format.
    #[error(
        "the archive has format generation {found}, this release of foretold reads only {known}: \
         use the release that wrote it{}", if *.found > *.known { ", or a later one" } else { "" }
    )]
    Generation {
        /// Generation found.
        found: u8,
        /// The one this release reads and writes.
        known: u8,
    },
    /// A model that this release does not have.
    #[error("preset {preset} with size class {size_class} is unknown to this release of foretold")]
    UnknownModel {
        /// Preset number found.
        preset: u8,
        /// Size class found.
        size_class: u8,
    },
    /// Reserved bits are set.
    #[error("reserved bits are set in the flags {0:#04x}: a later release of foretold is needed")]
    ReservedFlags(u8),
}

/// How an archive is damaged.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Damage {
    /// The archive ends inside a member.
    #[error("the archive is cut short")]
    Truncated,
    /// A header's own check fails.
    #[error("the {0} fails its check")]
    HeaderCheck(&'static str),
    /// No known frame starts where one should.
    #[error("expected a frame, found bytes {}", hex(.0))]
    UnknownFrame(Vec<u8>),
    /// A chunk does not decode to content that agrees with its check.
    #[error("the content fails its check: {found:#010x}, {stated:#010x} is stated")]
    ContentCheck {
        /// CRC-32C stored in the archive.
        stated: u32,
        /// CRC-32C of what was decoded.
        found: u32,
    },
    /// The digest of the whole content differs.
    #[error("the content's digest differs from the one stated")]
    Digest,
    /// A field's value is impossible here.
    #[error("{field} is {found}, allowed is {allowed}")]
    Field {
        /// Name of the field as in FORMAT.md.
        field: &'static str,
        /// Value found.
        found: u64,
        /// What may stand there.
        allowed: String,
    },
    /// A chunk's payload cannot be decoded.
    #[error("{0}")]
    Payload(String),
}

fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "none".into();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn describe_damage(
    offset: u64,
    member: u64,
    block: Option<u64>,
    chunk: Option<u64>,
    damage: &Damage,
) -> String {
    let mut place = format!("member {member}");
    for (name, number) in [("block", block), ("chunk", chunk)] {
        if let Some(number) = number {
            place += &format!(", {name} {number}");
        }
    }
    format!("damaged archive at byte {offset} ({place}): {damage}")
}
