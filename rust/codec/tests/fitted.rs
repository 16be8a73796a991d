//! Weights that stand in an archive: they come back by every way, and damage to them is told.

mod common;

use std::io::Cursor;
use std::sync::{Arc, LazyLock};

use common::{compress, decompress, go_on, noise, preset, stream_out, text, weights, weights_with};
use foretold_codec::{
    Compressor, Damage, Decompressor, Error, FittedNetwork, Knowledge, Limits, Options, Prior, PriorError,
    Priors, SeekableReader, info, recover,
};

static NETWORK: LazyLock<Arc<FittedNetwork>> =
    LazyLock::new(|| Arc::new(FittedNetwork::from_safetensors(&weights(64, 7)).unwrap()));

fn fitted(knowledge: Knowledge) -> Options {
    Options { knowledge, network: Some(NETWORK.clone()), ..Options::new(preset(10)) }
}

/// Bytes of the member's header: with length, prior and network.
const HEADER: usize = 18 + 8 + 32 + 36 + 4;

#[test]
fn packed_weights_come_back_and_are_small() {
    for (most, bits) in [(7, 4), (127, 8)] {
        let file = weights(64, most);
        let network = FittedNetwork::from_safetensors(&file).unwrap();
        assert_eq!((network.size(), network.packed()[2]), ((1, 64), bits));
        assert!(network.packed().len() * 4 < file.len(), "{} of {}", network.packed().len(), file.len());
        let again = FittedNetwork::unpack(network.packed().to_vec()).unwrap();
        assert!(again == network);
    }
}

#[test]
fn cells_of_four_gates_and_matches_are_told_beside_the_bits() {
    let content = text(300);
    for (most, gates, hears_match, kind) in
        [(7, 4, false, 20), (127, 4, false, 24), (7, 3, true, 36), (127, 4, true, 56)]
    {
        let network = FittedNetwork::from_safetensors(&weights_with(64, most, gates, hears_match)).unwrap();
        assert_eq!((network.size(), network.packed()[2]), ((1, 64), kind));
        assert!(FittedNetwork::unpack(network.packed().to_vec()).unwrap() == network);
        let options = Options { network: Some(Arc::new(network)), ..fitted(Knowledge::None) };
        assert!(decompress(&compress(&content, &options)).unwrap() == content);
    }
}

#[test]
fn weights_that_cannot_be_packed_are_refused() {
    let refused = |file: &[u8]| FittedNetwork::from_safetensors(file).unwrap_err();
    assert!(refused(&weights(832, 7)).contains("1 layers of 832 units; allowed are"));
    assert!(refused(b"no file").contains("not a safetensors file"));
    let unpacked = |bytes: &[u8]| FittedNetwork::unpack(bytes.to_vec()).unwrap_err();
    assert_eq!(unpacked(&[1, 1]), "it has 2 bytes, at least 3 are needed");
    assert!(unpacked(&[0, 1, 4]).contains("0 layers of 64 units"));
    assert!(unpacked(&[3, 255, 8, 0]).contains("3 layers of 16320 units"));
    for kind in [5, 5 + 16, 5 + 32] {
        assert_eq!(unpacked(&[1, 1, kind, 0]), "its weights have 5 bits, 4 and 8 are known");
    }
    assert!(unpacked(&[2, 6, 4 + 32, 0]).contains("384 units that hear a match model; allowed are"));
    assert!(unpacked(&[2, 6, 4 + 16, 0]).contains("2 layers of 384 units with 4 gates; allowed are"));
    let longer = [NETWORK.packed(), &[0; 9]].concat();
    assert_eq!(unpacked(&longer), "bytes follow its weights");
}

#[test]
fn noise_in_place_of_packed_weights_is_an_error_or_a_network() {
    for seed in 0..12 {
        let mut bytes = noise(200 + seed);
        bytes[..3].copy_from_slice(&[1, 1, if seed % 2 == 0 { 4 } else { 8 }]);
        let _ = FittedNetwork::unpack(bytes);
    }
}

#[test]
fn fitted_archives_come_back_by_every_way() {
    let content = text(700);
    for knowledge in [Knowledge::Auto, Knowledge::None] {
        let archive = compress(&content, &fitted(knowledge.clone()));
        assert!(decompress(&archive).unwrap() == content);
        let (out, end) = stream_out(&archive, 7, &Limits::default());
        assert!(end.is_ok() && out == content);
        let about = info(Cursor::new(&archive)).unwrap();
        let member = &about.members[0];
        assert_eq!(member.network_bytes, NETWORK.packed().len() as u64);
        let english = member.prior.as_deref().map(|digest| &digest[..8]);
        let wanted = matches!(knowledge, Knowledge::Auto).then(|| Prior::english().id().to_string());
        assert_eq!(english, wanted.as_deref());
        assert_eq!(member.blocks[0].offset, (HEADER + NETWORK.packed().len()) as u64);
        let mut reader = SeekableReader::new(Cursor::new(&archive), Limits::default()).unwrap();
        let mut part = [0; 40];
        assert_eq!(reader.read_at(300, &mut part, &mut go_on).unwrap(), 40);
        assert!(part == content[300..340]);
    }
}

#[test]
fn a_fitted_archive_is_not_the_unfitted_one() {
    let content = text(700);
    let options = fitted(Knowledge::None);
    let archive = compress(&content, &options);
    let unfitted = compress(&content, &Options { network: None, ..options });
    assert!(archive.len() > unfitted.len() + NETWORK.packed().len());
    assert!(info(Cursor::new(&unfitted)).unwrap().members[0].compact);
}

#[test]
fn blocks_share_the_weights_and_each_can_be_reached() {
    let content = [text(65_536), text(300)].concat();
    let options = Options { block_size: Some(64 << 10), ..fitted(Knowledge::Auto) };
    let archive = compress(&content, &options);
    let blocks = info(Cursor::new(&archive)).unwrap().members[0].blocks.clone();
    assert_eq!(blocks.len(), 2);
    let mut reader = SeekableReader::new(Cursor::new(&archive), Limits::default()).unwrap();
    let mut part = [0; 50];
    assert_eq!(reader.read_at(65_600, &mut part, &mut go_on).unwrap(), 50);
    assert!(part == content[65_600..65_650]);
    // The first block's chunk is damaged: the second is saved, its weights come from the header.
    let mut damaged = archive.clone();
    damaged[blocks[0].offset as usize + 60] ^= 1;
    let mut saved = Vec::new();
    let report = recover(Cursor::new(&damaged), &mut saved, &Limits::default(), &mut go_on).unwrap();
    assert_eq!((report.lost.len(), saved.len()), (1, content.len()));
    assert!(saved[65_536..] == content[65_536..]);
    // Without the header there are no weights, and nothing is saved; yet no prior is asked for.
    damaged = archive;
    damaged[10] ^= 1;
    let report = recover(Cursor::new(&damaged), &mut Vec::new(), &Limits::default(), &mut go_on).unwrap();
    assert!(report.lost.iter().any(|lost| lost.reason.contains("needs the prior")), "{report:?}");
}

#[test]
fn states_of_fitted_runs_go_on() {
    let content = text(900);
    let options = fitted(Knowledge::Auto);
    let whole = compress(&content, &options);
    let mut compressor = Compressor::new(options).unwrap();
    let mut archive = Vec::new();
    compressor.push(&content[..400], &mut archive, &mut go_on).unwrap();
    for _ in 0..2 {
        let mut state = Vec::new();
        compressor.save(&mut state).unwrap();
        compressor = Compressor::load(&mut state.as_slice(), None).unwrap();
    }
    compressor.push(&content[400..], &mut archive, &mut go_on).unwrap();
    compressor.finish(&mut archive, &mut go_on).unwrap();
    assert!(archive == whole);
    for cut in [50, HEADER + 20, HEADER + NETWORK.packed().len() + 30, whole.len() - 5] {
        let mut decompressor = Decompressor::new(Limits::default()).unwrap();
        let (mut out, mut state) = (Vec::new(), Vec::new());
        decompressor.push(&whole[..cut], &mut out, None, &mut go_on).unwrap();
        decompressor.save(&mut state).unwrap();
        let mut decompressor = Decompressor::load(&mut state.as_slice(), Limits::default()).unwrap();
        decompressor.push(&whole[cut..], &mut out, None, &mut go_on).unwrap();
        assert!(decompressor.eof() && out == content, "{cut}");
    }
}

#[test]
fn damaged_weights_are_located() {
    let archive = compress(&text(300), &fitted(Knowledge::None));
    for at in (0..HEADER + NETWORK.packed().len()).step_by(173) {
        let mut damaged = archive.clone();
        damaged[at] ^= 1 << (at % 8);
        match decompress(&damaged) {
            Err(Error::Corrupt { offset: 0, block: None, .. } | Error::Format { offset: 0, .. }) => {}
            other => panic!("byte {at}: {other:?}"),
        }
    }
    for length in (0..archive.len()).step_by(211) {
        let cut = decompress(&archive[..length]).unwrap_err();
        assert!(
            matches!(cut, Error::Format { .. } | Error::Corrupt { damage: Damage::Truncated, .. }),
            "{cut}"
        );
        assert!(info(Cursor::new(&archive[..length])).is_err());
    }
}

fn sign(archive: &mut [u8]) {
    let check = crc32c::crc32c(&archive[..HEADER - 4]);
    archive[HEADER - 4..HEADER].copy_from_slice(&check.to_le_bytes());
}

#[test]
fn hostile_headers_of_weights_are_refused() {
    let archive = compress(&text(300), &fitted(Knowledge::None));
    let edit = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut edited = archive.clone();
        change(&mut edited);
        sign(&mut edited);
        decompress(&edited).unwrap_err()
    };
    for claimed in [0, (1 << 22) + 1, u32::MAX] {
        match edit(&|archive| archive[HEADER - 8..HEADER - 4].copy_from_slice(&claimed.to_le_bytes())) {
            Error::Corrupt { damage: Damage::Field { field: "network_bytes", found, .. }, .. } => {
                assert_eq!(found, u64::from(claimed));
            }
            other => panic!("{other}"),
        }
    }
    match edit(&|archive| archive[4] = 9) {
        Error::Corrupt { damage: Damage::Field { field: "preset", found: 9, .. }, .. } => {}
        other => panic!("{other}"),
    }
    match edit(&|archive| archive[58..90].fill(7)) {
        Error::Prior(PriorError::Missing { wanted, .. }) => assert_eq!(wanted, "07".repeat(32)),
        other => panic!("{other}"),
    }
    match edit(&|archive| archive[30] ^= 1) {
        Error::Corrupt { damage: Damage::HeaderCheck("fitted network"), .. } => {}
        other => panic!("{other}"),
    }
    let resigned = |archive: &mut Vec<u8>| {
        archive[HEADER + 2] = 7;
        let packed = &archive[HEADER..][..NETWORK.packed().len()];
        let digest = blake3::hash(&[&[0; 32], packed].concat());
        archive[26..58].copy_from_slice(digest.as_bytes());
    };
    match edit(&resigned) {
        Error::Corrupt { damage: Damage::Payload(reason), .. } => {
            assert_eq!(reason, "the fitted network: its weights have 7 bits, 4 and 8 are known");
        }
        other => panic!("{other}"),
    }
    // The network's flag without a prior's.
    let mut flags = archive.clone();
    flags[3] = 5;
    assert!(matches!(decompress(&flags).unwrap_err(), Error::Format { .. }));
}

#[test]
fn memory_is_checked_before_weights_are_unpacked() {
    let archive = compress(&text(300), &fitted(Knowledge::None));
    let limits = Limits { max_memory: 1 << 20, ..Limits::default() };
    let refused = foretold_codec::decompress(&archive, &limits, &mut go_on).unwrap_err();
    assert!(matches!(refused, Error::Memory { .. }), "{refused}");
    let mut reader = SeekableReader::new(Cursor::new(&archive), limits).unwrap();
    let refused = reader.read_at(0, &mut [0; 9], &mut go_on).unwrap_err();
    assert!(matches!(refused, Error::Memory { .. }), "{refused}");
}

#[test]
fn only_presets_with_a_network_take_weights() {
    let options = Options { network: Some(NETWORK.clone()), ..Options::new(preset(9)) };
    match Compressor::new(options).map(|_| ()) {
        Err(Error::Parameter(reason)) => {
            assert_eq!(reason, "preset is 9, weights are stored for max only");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn weights_over_a_prior_of_the_users_need_that_prior() {
    let file = Prior::to_bytes("mine", &foretold_codec::PriorContent::default()).unwrap();
    let mine = Arc::new(Prior::from_bytes(file, "mine").unwrap());
    let content = text(300);
    let archive = compress(&content, &fitted(Knowledge::Prior(mine.clone())));
    assert!(matches!(decompress(&archive), Err(Error::Prior(PriorError::Missing { .. }))));
    let limits = Limits { priors: Priors::new([mine]), ..Limits::default() };
    assert!(foretold_codec::decompress(&archive, &limits, &mut go_on).unwrap() == content);
}
