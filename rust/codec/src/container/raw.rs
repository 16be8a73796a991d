//! Raw messages: what the coder wrote and nothing else. FORMAT.md, "Raw messages".

use foretold_coding::{Decoder, Encoder};
use foretold_numerics::P1;

use super::frames::CHUNK_BYTES;
use super::{Damage, Error, Options};
use crate::knowledge::Prior;
use crate::{ChunkCoder, EngineError, ModelPlan, Tick};

/// Bytes of the check behind a message that has one.
const CHECK_BYTES: usize = 4;
/// Whether English is known is as likely as not.
const EVEN_Q22: u32 = 1 << 21;

/// The raw message of a content of at most 1 MiB: as long as the content at most, and four bytes more
/// with a check. It is decoded with the same options and the content's length.
pub fn compress_raw(data: &[u8], options: &Options, tick: Tick<'_>) -> Result<Vec<u8>, Error> {
    validate(options, data.len())?;
    let mut raw = Vec::new();
    if !data.is_empty() {
        let mut encoder = Encoder::new();
        let prior = options.prior_for_message(data)?;
        if options.knowledge.if_english().is_some() {
            encoder.encode(prior.is_some(), P1::clamped(EVEN_Q22));
        }
        let mut coder = coder(options, prior.map(|prior| &**prior), data.len())?;
        coder.encode_raw(data, options.transform, &mut encoder, tick).map_err(Error::from_engine)?;
        raw = encoder.finish();
    }
    if raw.len() >= data.len() {
        raw = data.to_vec();
    }
    if options.checksum {
        raw.extend_from_slice(&crc32c::crc32c(data).to_le_bytes());
    }
    Ok(raw)
}

/// The content of a raw message, which has `content_bytes` bytes.
///
/// What an encoder would not have written is an error. But nearly all bytes are what it would write of
/// some content: without a check most damage gives another content.
pub fn decompress_raw(
    raw: &[u8],
    content_bytes: usize,
    options: &Options,
    tick: Tick<'_>,
) -> Result<Vec<u8>, Error> {
    validate(options, content_bytes)?;
    let (payload, check) = match options.checksum {
        false => (raw, None),
        true => raw
            .split_last_chunk::<CHECK_BYTES>()
            .map(|(payload, check)| (payload, Some(u32::from_le_bytes(*check))))
            .ok_or_else(|| {
                let found = raw.len();
                Error::Raw(Damage::Payload(format!(
                    "it has {found} bytes, its check alone has {CHECK_BYTES}"
                )))
            })?,
    };
    if payload.len() > content_bytes {
        let found = payload.len();
        let damage =
            format!("the payload has {found} bytes, a content of {content_bytes} has as many at most");
        return Err(Error::Raw(Damage::Payload(damage)));
    }
    let content = if payload.len() == content_bytes {
        payload.to_vec()
    } else {
        decode(payload, content_bytes, options, tick)?
    };
    if let Some(stated) = check {
        let found = crc32c::crc32c(&content);
        if found != stated {
            return Err(Error::Raw(Damage::ContentCheck { stated, found }));
        }
    }
    Ok(content)
}

fn decode(payload: &[u8], content_bytes: usize, options: &Options, tick: Tick<'_>) -> Result<Vec<u8>, Error> {
    let unwritten = || {
        let found = payload.len();
        let damage = format!("no content of {content_bytes} bytes is coded as these {found} bytes");
        Error::Raw(Damage::Payload(damage))
    };
    if payload.last() == Some(&0) {
        return Err(unwritten());
    }
    let mut decoder = Decoder::new(payload);
    let prior = match options.knowledge.if_english() {
        Some(prior) => decoder.decode(P1::clamped(EVEN_Q22)).then(prior),
        None => options.knowledge.given(),
    };
    let mut coder = coder(options, prior.map(|prior| &**prior), content_bytes)?;
    let mut content = Vec::new();
    let lengths = (content_bytes, payload.len());
    coder.decode_raw(&mut decoder, lengths, &mut content, tick).map_err(|error| match error {
        EngineError::BadPayload { .. } | EngineError::NotSmall(_) | EngineError::BadTransform(_) => {
            Error::Raw(Damage::Payload(error.to_string()))
        }
        other => Error::from_engine(other),
    })?;
    if decoder.is_at_end() { Ok(content) } else { Err(unwritten()) }
}

/// The model of a message, which is one block.
fn coder(options: &Options, prior: Option<&Prior>, content_bytes: usize) -> Result<ChunkCoder, Error> {
    let plan = ModelPlan::for_block(options.preset, content_bytes as u64).with_prior(prior.map(Prior::id));
    let coder = ChunkCoder::new(plan, &options.knowledge.priors()).map_err(Error::from_engine)?;
    let mut coder = coder.for_message();
    coder.lend_thread(options.threads > 1);
    Ok(coder)
}

fn validate(options: &Options, content_bytes: usize) -> Result<(), Error> {
    options.validate()?;
    if options.network.is_some() || options.block_size.is_some() {
        return Err(Error::Parameter("a raw message has neither weights nor blocks".into()));
    }
    if content_bytes > CHUNK_BYTES {
        return Err(Error::Parameter(format!(
            "a raw message has a content of {CHUNK_BYTES} bytes at most, found {content_bytes}"
        )));
    }
    Ok(())
}
