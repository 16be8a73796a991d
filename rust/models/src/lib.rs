//! What predicts: counters, bit histories, contexts, match models, mixers and APMs.
#![forbid(unsafe_code)]
