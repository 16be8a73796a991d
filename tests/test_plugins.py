"""The plug-ins, each with the library it is for."""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import inspect
import io
import json
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import foretold
from foretold.plugins._options import Options

LIBRARIES = ("fsspec", "joblib", "numcodecs", "smart_open", "zarr")
# What a plug-in is given in the tests of forwarding, where nothing looks into it.
GIVEN = {"knowledge": "auto", "prior": "words.ftp"}


def plugin(library: str) -> ModuleType:
    pytest.importorskip(library)
    return importlib.import_module(f"foretold.plugins.{library}")


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def for_fsspec() -> Iterator[ModuleType]:
    module = plugin("fsspec")
    module.register(preset=1)
    yield module
    module.register()


@pytest.fixture
def for_joblib() -> Iterator[ModuleType]:
    module = plugin("joblib")
    module.register(preset=1)
    yield module
    module.register()


@pytest.fixture
def for_smart_open() -> Iterator[ModuleType]:
    module = plugin("smart_open")
    module.register(preset=1)
    yield module
    module.register()


@pytest.fixture
def codec() -> Any:
    return plugin("numcodecs").Foretold(preset=1)


@pytest.fixture
def zarr_codec() -> Any:
    return plugin("zarr").ForetoldCodec(preset=1)


@pytest.fixture
def forwarded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What was passed on to which public function; knowledge and prior go no further."""
    calls: list[tuple[str, dict[str, Any]]] = []

    def record(owner: Any, name: str) -> None:
        function = getattr(owner, name)

        def recorded(*arguments: Any, **options: Any) -> Any:
            calls.append((name, options))
            return function(*arguments, **{key: options[key] for key in options if key not in GIVEN})

        monkeypatch.setattr(owner, name, recorded)

    for name in ("compress", "decompress", "open"):
        record(foretold, name)
    record(foretold.File, "__init__")
    return calls


def preset_of(path: str) -> foretold.Preset:
    return foretold.info(path).members[0].preset


# Options


def test_only_what_was_given_is_passed_on() -> None:
    assert Options().coding() == {"preset": 5}
    assert Options().decoding() == {}
    assert Options(2, "none").coding() == {"preset": 2, "knowledge": "none"}
    assert Options(2, "none", b"").coding() == {"preset": 2, "knowledge": "none", "prior": b""}
    assert Options(2, None, "a.ftp").decoding() == {"prior": "a.ftp"}
    assert Options(2, None, Path("a.ftp")).as_json() == {"preset": 2, "prior": "a.ftp"}
    assert Options("max").as_json() == Options("max").coding() == {"preset": "max"}


def test_options_out_of_range_are_refused_at_once() -> None:
    with pytest.raises(foretold.ParameterError, match='preset must be 1 to 9 or "max"; found 10'):
        Options(10)
    with pytest.raises(foretold.ParameterError, match="knowledge must be"):
        Options(1, "some")  # type: ignore[arg-type]
    with pytest.raises(foretold.ParameterError, match="a prior's path only, found bytes"):
        Options(1, None, b"a prior").as_json()


@pytest.mark.parametrize("library", LIBRARIES)
def test_registering_again_changes_nothing(library: str) -> None:
    importlib.reload(plugin(library))


@pytest.mark.parametrize("library", ["numcodecs", "zarr"])
def test_libraries_that_look_for_codecs_find_theirs(library: str) -> None:
    module = plugin(library)
    (found,) = importlib.metadata.entry_points(group=f"{library}.codecs", name="foretold")
    assert found.load() is getattr(module, found.attr)


# fsspec


@pytest.mark.parametrize("compression", ["infer", "foretold"])
def test_fsspec_writes_what_compress_makes(for_fsspec: ModuleType, text: bytes, compression: str) -> None:
    import fsspec

    with fsspec.open("a.ftd", "wb", compression=compression) as file:
        file.write(text[:7])
        # As libraries do before they close.
        file.flush()
        file.write(text[7:])
    with fsspec.open("b.ftd", "wt", compression=compression, encoding="utf-8", newline="") as file:
        file.write(text.decode())
    assert Path("a.ftd").read_bytes() == Path("b.ftd").read_bytes() == foretold.compress(text, 1)
    with fsspec.open("a.ftd", "rb", compression=compression) as file:
        assert file.read(10) == text[:10]
        assert file.seek(-5, os.SEEK_END) == len(text) - 5
        assert file.read() == text[-5:]
    with fsspec.open("a.ftd", "rt", compression=compression, encoding="utf-8", newline="") as file:
        assert file.read() == text.decode()


def test_fsspec_appends_members(for_fsspec: ModuleType) -> None:
    import fsspec

    for part in ("one ", "two"):
        with fsspec.open("a.ftd", "at", compression="infer") as file:
            file.write(part)
    assert foretold.decompress(Path("a.ftd").read_bytes()) == b"one two"


def test_fsspec_file_systems_open_archives_and_close_them(for_fsspec: ModuleType, awkward: bytes) -> None:
    import fsspec

    opened: list[Any] = []
    for protocol in ("file", "memory"):
        system = fsspec.filesystem(protocol)
        with system.open("a.ftd", "wb", compression="foretold") as file:
            file.write(awkward)
            opened.append(file._archive)
        with system.open("a.ftd", "rb", compression="infer") as file:
            assert file.read() == awkward
            opened.append(file._archive)
    # Files in memory stay open.
    assert [file.closed for file in opened[:2]] == [True, True]
    with pytest.raises(ValueError, match="closed file"):
        file.flush()


def test_fsspec_passes_options_on(for_fsspec: ModuleType, forwarded: list[Any]) -> None:
    import fsspec

    for_fsspec.register(2, **GIVEN)
    with fsspec.open("a.ftd", "wb", compression="foretold") as file:
        file.write(b"content")
    with fsspec.open("a.ftd", "rb", compression="foretold") as file:
        assert file.read() == b"content"
    assert forwarded == [
        ("__init__", {"preset": 2, **GIVEN}),
        ("__init__", {"prior": "words.ftp"}),
    ]
    assert preset_of("a.ftd") == 2


# smart_open


def test_smart_open_writes_what_compress_makes(for_smart_open: ModuleType, text: bytes) -> None:
    import smart_open

    with smart_open.open("a.ftd", "wb") as file:
        file.write(text[:7])
        file.flush()
        file.write(text[7:])
    with smart_open.open("b.ftd", "w", encoding="utf-8", newline="") as file:
        file.write(text.decode())
    assert Path("a.ftd").read_bytes() == Path("b.ftd").read_bytes() == foretold.compress(text, 1)
    with smart_open.open("a.ftd", "rb") as file:
        assert file.read(10) == text[:10]
        assert file.seek(5) == 5
        assert file.read() == text[5:]
    with smart_open.open("a.ftd", encoding="utf-8", newline="") as file:
        assert file.read() == text.decode()
    with smart_open.open("a.ftd", "ab") as file:
        file.write(b"and more")
    assert foretold.decompress(Path("a.ftd").read_bytes()) == text + b"and more"


def test_smart_open_gives_back_what_it_took(for_smart_open: ModuleType, awkward: bytes) -> None:
    import smart_open

    # Whatever the name, if told.
    with smart_open.open("a", "wb", compression=".ftd") as file:
        file.write(awkward)
    with smart_open.open("a", "rb", compression=".ftd") as file:
        assert file.read() == awkward


def test_smart_open_passes_options_on(for_smart_open: ModuleType, forwarded: list[Any]) -> None:
    import smart_open

    for_smart_open.register(2, **GIVEN)
    with smart_open.open("a.ftd", "wb") as file:
        file.write(b"content")
    with smart_open.open("a.ftd", "rb") as file:
        assert file.read() == b"content"
    assert [options for name, options in forwarded if name == "open"] == [
        {"preset": 2, **GIVEN},
        {"prior": "words.ftp"},
    ]
    assert preset_of("a.ftd") == 2


def test_smart_open_takes_options_of_one_file(for_smart_open: ModuleType) -> None:
    import smart_open

    if "compression_kwargs" not in inspect.signature(smart_open.open).parameters:
        pytest.skip("this smart_open has no compression_kwargs")
    with smart_open.open("a.ftd", "wb", compression_kwargs={"preset": 3}) as file:
        file.write(b"content")
    assert preset_of("a.ftd") == 3


# joblib

PICKLED = {"numbers": np.arange(5000).reshape(50, 100), "words": ["one", "two"], "none": None}


def check_pickled(found: Any) -> None:
    assert found.keys() == PICKLED.keys()
    assert np.array_equal(found["numbers"], PICKLED["numbers"])
    assert found["words"] == PICKLED["words"]


@pytest.mark.parametrize(
    ("name", "compress", "preset"),
    [
        ("a.ftd", 0, 1),
        ("a.ftd", True, 1),
        ("a.ftd", 2, 2),
        ("a", "foretold", 1),
        ("a", ("foretold", 2), 2),
    ],
)
def test_joblib_dumps_and_loads(for_joblib: ModuleType, name: str, compress: Any, preset: int) -> None:
    import joblib

    joblib.dump(PICKLED, name, compress=compress)
    assert preset_of(name) == preset
    check_pickled(joblib.load(name))


def test_joblib_uses_file_objects(for_joblib: ModuleType) -> None:
    import joblib

    archive = io.BytesIO()
    joblib.dump(PICKLED, archive, compress=("foretold", 1))
    assert foretold.decompress(archive.getvalue())[:1] == b"\x80"
    archive.seek(0)
    check_pickled(joblib.load(archive))


def test_joblib_keeps_results_in_archives(for_joblib: ModuleType) -> None:
    import joblib

    memory = joblib.Memory("cache", compress=("foretold", 1), verbose=0)
    squares = memory.cache(np.square)
    assert list(squares(3 + np.arange(2))) == list(squares(3 + np.arange(2))) == [9, 16]
    (kept,) = Path("cache").rglob("output.pkl")
    assert preset_of(str(kept)) == 1


def test_joblib_knows_archives_by_their_first_byte(for_joblib: ModuleType, awkward: bytes) -> None:
    for checksum in (True, False):
        assert foretold.compress(awkward, 1, checksum=checksum).startswith(for_joblib.MARK)
    archive = io.BytesIO()
    with foretold.open(archive, "wb", 1) as file:
        file.write(awkward)
        file.flush()
    assert archive.getvalue().startswith(for_joblib.MARK)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert not pickle.dumps(awkward, protocol).startswith(for_joblib.MARK)


def test_joblib_passes_options_on(for_joblib: ModuleType, forwarded: list[Any]) -> None:
    import joblib

    for_joblib.register(2, **GIVEN)
    joblib.dump(PICKLED, "a.ftd")
    joblib.dump(PICKLED, "b.ftd", compress=("foretold", 3))
    check_pickled(joblib.load("b.ftd"))
    assert [options for name, options in forwarded if name == "open"] == [
        {"preset": 2, **GIVEN},
        {"preset": 3, **GIVEN},
        {"prior": "words.ftp"},
    ]


# numcodecs

ARRAYS = {
    "empty": np.zeros(0, np.int32),
    "bytes": np.frombuffer(b"some bytes", np.uint8),
    "half": np.linspace(0, 1, 1000).astype(np.float16),
    "big-endian": np.arange(30, dtype=">i4").reshape(5, 6),
    "Fortran": np.asfortranarray(np.arange(30).reshape(5, 6)),
    "bool": np.array([True, False, True]),
    "times": np.array(["2001-02-03", "NaT"], "M8[s]"),
    "text": np.array(["zwölf", "中文"]),
    "records": np.array([(1, 2.5, b"ab"), (3, -0.0, b"")], [("a", "i2"), ("b", "f8"), ("c", "S3")]),
    "large": np.arange(9000),  # More than 64 KiB: not copied on its way.
}


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS.keys())
def test_numcodecs_codes_arrays(codec: Any, array: np.ndarray) -> None:
    archive = codec.encode(array)
    content = codec.decode(archive)
    assert content == array.tobytes(order="A")
    assert foretold.decompress(archive) == content
    out = np.zeros_like(array)
    assert codec.decode(archive, out=out) is out
    # Not for numbers that equal each other, as zeros of both signs do.
    assert out.tobytes() == array.tobytes()


def test_numcodecs_codes_buffers(codec: Any, awkward: bytes) -> None:
    for kind in (bytes, bytearray, memoryview):
        archive = codec.encode(kind(awkward))
        assert archive == foretold.compress(awkward, 1)
        assert codec.decode(kind(archive)) == awkward
    assert codec.decode(np.frombuffer(archive, np.uint8)) == awkward
    out = bytearray(len(awkward))
    codec.decode(archive, out=out)
    assert out == awkward


def test_numcodecs_refuses_what_does_not_fit(codec: Any) -> None:
    archive = codec.encode(b"twelve bytes")
    with pytest.raises(foretold.OutputLimitError):
        codec.decode(archive, out=bytearray(11))
    with pytest.raises(ValueError, match="reshape"):
        codec.decode(archive, out=bytearray(13))
    with pytest.raises(TypeError, match="object arrays"):
        codec.encode(np.array([{}]))
    with pytest.raises(ValueError, match="contiguous"):
        codec.encode(np.arange(10)[::2])
    with pytest.raises(foretold.CorruptError):
        codec.decode(archive[:-1])
    with pytest.raises(foretold.FormatError):
        codec.decode(b"no archive")


def test_numcodecs_makes_the_codec_from_its_configuration(codec: Any) -> None:
    import numcodecs

    full = type(codec)(3, "none", Path("words.ftp"))
    assert full.get_config() == {"id": "foretold", "preset": 3, "knowledge": "none", "prior": "words.ftp"}
    for one in (codec, full):
        twin = numcodecs.get_codec(json.loads(json.dumps(one.get_config())))
        assert type(twin) is type(one)
        assert twin == one == pickle.loads(pickle.dumps(one))
        assert repr(twin) == repr(one)
    assert codec != full
    assert numcodecs.get_codec({"id": "foretold"}).preset == 5
    with pytest.raises(foretold.ParameterError):
        numcodecs.get_codec({"id": "foretold", "preset": 0})
    with pytest.raises(foretold.ParameterError):
        type(codec)(prior=b"a prior").get_config()


def test_numcodecs_passes_options_on(codec: Any, forwarded: list[Any]) -> None:
    given = type(codec)(2, **GIVEN)
    archive = given.encode(b"content")
    out = bytearray(7)
    given.decode(archive, out=out)
    assert given.decode(archive) == out == b"content"
    assert forwarded == [
        ("compress", {"preset": 2, **GIVEN}),
        ("decompress", {"max_output": 7, "prior": "words.ftp"}),
        ("decompress", {"prior": "words.ftp"}),
    ]


# Zarr

CHUNKED = np.arange(600).reshape(20, 30)


@pytest.mark.parametrize("as_metadata", [False, True])
def test_zarr_keeps_arrays(zarr_codec: Any, as_metadata: bool) -> None:
    import zarr

    compressor = zarr_codec.to_dict() if as_metadata else zarr_codec
    zarr.create_array("a.zarr", data=CHUNKED, chunks=(7, 16), compressors=compressor)
    expected = CHUNKED.copy()
    array = zarr.open_array("a.zarr", mode="r+")
    array[3:9] = expected[3:9] = -1
    assert np.array_equal(zarr.open_array("a.zarr")[:], expected)
    metadata = json.loads(Path("a.zarr/zarr.json").read_text())
    assert metadata["codecs"][-1] == {"name": "foretold", "configuration": {"preset": 1}}
    assert preset_of("a.zarr/c/0/0") == 1


def test_zarr_keeps_arrays_of_version_2(codec: Any) -> None:
    zarr = pytest.importorskip("zarr")
    zarr.create_array("a.zarr", data=CHUNKED, chunks=(7, 16), compressors=codec, zarr_format=2)
    assert np.array_equal(zarr.open_array("a.zarr")[:], CHUNKED)
    assert json.loads(Path("a.zarr/.zarray").read_text())["compressor"] == codec.get_config()
    assert preset_of("a.zarr/0.0") == 1


def test_zarr_reports_a_damaged_chunk(zarr_codec: Any) -> None:
    import zarr

    zarr.create_array("a.zarr", data=CHUNKED, chunks=(20, 30), compressors=zarr_codec)
    chunk = Path("a.zarr/c/0/0")
    chunk.write_bytes(chunk.read_bytes()[:-1])
    with pytest.raises(foretold.CorruptError):
        zarr.open_array("a.zarr")[:]


def test_zarr_makes_the_codec_from_its_metadata(zarr_codec: Any) -> None:
    full = type(zarr_codec)(3, "none", Path("words.ftp"))
    assert full.to_dict() == {
        "name": "foretold",
        "configuration": {"preset": 3, "knowledge": "none", "prior": "words.ftp"},
    }
    for one in (zarr_codec, full):
        twin = type(one).from_dict(json.loads(json.dumps(one.to_dict())))
        assert twin == one == pickle.loads(pickle.dumps(one))
        assert hash(twin) == hash(one)
    assert type(full).from_dict({"name": "foretold"}).preset == 5
    with pytest.raises(foretold.ParameterError):
        type(full)(prior=b"a prior").to_dict()
    with pytest.raises(NotImplementedError):
        full.compute_encoded_size(1, None)


def chunk_of(content: bytes) -> tuple[Any, Any]:
    from zarr.core.buffer import default_buffer_prototype

    prototype = default_buffer_prototype()
    return prototype.buffer.from_bytes(content), SimpleNamespace(prototype=prototype)


def test_zarr_passes_options_on(zarr_codec: Any, forwarded: list[Any], awkward: bytes) -> None:
    given = type(zarr_codec)(2, **GIVEN)
    chunk, spec = chunk_of(awkward)
    (archive,) = asyncio.run(given.encode([(chunk, spec)]))
    (content,) = asyncio.run(given.decode([(archive, spec)]))
    assert content.to_bytes() == awkward
    assert forwarded == [("compress", {"preset": 2, **GIVEN}), ("decompress", {"prior": "words.ftp"})]


@pytest.mark.parametrize("name", ["compress", "decompress"])
def test_zarr_keeps_the_event_loop_free(zarr_codec: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    going_on = threading.Event()
    function: Callable[..., bytes] = getattr(foretold, name)

    def waiting(*arguments: Any, **options: Any) -> bytes:
        assert going_on.wait(10), "the event loop stands still meanwhile"
        return function(*arguments, **options)

    chunk, spec = chunk_of(foretold.compress(b"content"))

    async def both() -> None:
        code = zarr_codec.encode if name == "compress" else zarr_codec.decode
        work = asyncio.create_task(code([(chunk, spec)]))
        await asyncio.sleep(0.01)
        going_on.set()
        await work

    monkeypatch.setattr(foretold, name, waiting)
    asyncio.run(both())


# All


@pytest.mark.skipif(not hasattr(foretold, "Prior"), reason="this foretold has no priors")
@pytest.mark.parametrize("kind", ["path", "bytes", "object"])
def test_priors_are_used_in_both_directions(
    kind: str, for_fsspec: ModuleType, for_joblib: ModuleType, for_smart_open: ModuleType, text: bytes
) -> None:
    import fsspec
    import joblib
    import smart_open

    english = foretold.Prior.english()
    english.save("english.ftp")
    prior = {"path": "english.ftp", "bytes": bytes(english), "object": english}[kind]
    preset = english.preset or 1
    expected = foretold.compress(text, preset, prior=prior)

    for_fsspec.register(preset, prior=prior)
    with fsspec.open("a.ftd", "wb", compression="infer") as file:
        file.write(text)
    assert Path("a.ftd").read_bytes() == expected
    with fsspec.open("a.ftd", "rb", compression="infer") as file:
        assert file.read() == text

    for_smart_open.register(preset, prior=prior)
    with smart_open.open("b.ftd", "wb") as file:
        file.write(text)
    assert Path("b.ftd").read_bytes() == expected
    with smart_open.open("b.ftd", "rb") as file:
        assert file.read() == text

    for_joblib.register(preset, prior=prior)
    joblib.dump(text, "c.ftd")
    assert foretold.info("c.ftd").members[0].prior is not None
    assert joblib.load("c.ftd") == text

    codec = plugin("numcodecs").Foretold(preset, prior=prior)
    assert type(codec)(preset, "none").encode(text) == foretold.compress(text, preset, knowledge="none")
    assert codec.encode(text) == expected
    assert codec.decode(expected) == text

    if kind == "path":
        import zarr

        content = np.frombuffer(text, np.uint8)
        compressor = plugin("zarr").ForetoldCodec(preset, prior=prior)
        zarr.create_array("a.zarr", data=content, chunks=content.shape, compressors=compressor)
        assert Path("a.zarr/c/0").read_bytes() == expected
        assert np.array_equal(zarr.open_array("a.zarr")[:], content)
