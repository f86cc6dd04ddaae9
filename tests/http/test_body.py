"""Packed bodies are unpacked, however they are cut; broken ones are errors; none takes more memory than allowed."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.errors import ConnectionLostError, NotJsonError, TooLargeError
from exporter.http import response as responses
from tests.http.fakes import GOOD, MAX_BODY, Wire, answer, bench

pytestmark = pytest.mark.anyio

LONG = bytes(range(256)) * 3000  # three pieces
RUN = b"0" * (responses.PIECE + 30)  # its deflate is taken in whole before its last bytes have come out


def raw_deflate(plain: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(plain) + packer.flush()


async def unpacked(response: httpx.Response) -> bytes:
    return b"".join([piece async for piece in responses.pieces(response)])


PACKED = [
    pytest.param("", lambda plain: plain, id="as-it-is"),
    pytest.param("identity", lambda plain: plain, id="identity"),
    pytest.param("gzip", gzip.compress, id="gzip"),
    pytest.param("GZip , identity", gzip.compress, id="gzip-with-identity"),
    pytest.param("x-gzip", gzip.compress, id="x-gzip"),
    pytest.param("gzip", lambda plain: gzip.compress(plain[:9]) + gzip.compress(plain[9:]), id="two-members"),
    pytest.param("gzip", lambda plain: gzip.compress(plain) + b"\0" * 70, id="gzip-with-padding"),
    pytest.param("deflate", zlib.compress, id="deflate"),
    pytest.param("deflate", raw_deflate, id="deflate-without-its-frame"),
]


@pytest.mark.parametrize(("encoding", "pack"), PACKED)
@pytest.mark.parametrize("plain", [GOOD, LONG, RUN], ids=["short", "long", "run"])
@pytest.mark.parametrize("size", [1, 7, 65536])
async def test_every_encoding_survives_every_cut(
    encoding: str, pack: Callable[[bytes], bytes], plain: bytes, size: int
) -> None:
    packed = pack(plain)
    size = max(size, len(packed) // 2000)  # a long body byte by byte would prove no more
    response = httpx.Response(200, headers={"Content-Encoding": encoding}, stream=Wire(packed, size))
    assert await unpacked(response) == plain


@pytest.mark.parametrize(("encoding", "pack"), PACKED)
async def test_the_cap_counts_unpacked_bytes(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(TooLargeError):
        await bench(answer(200, pack(b"1" * (MAX_BODY + 1)), content_encoding=encoding)).ask()


async def test_a_gzip_bomb_takes_no_more_memory_than_the_cap_and_a_piece() -> None:
    bomb = answer(200, gzip.compress(b"\0" * (64 * 1024 * 1024)), content_encoding="gzip")
    asked = bench(bomb)
    tracemalloc.start()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    try:
        with pytest.raises(TooLargeError):
            await asked.ask()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < MAX_BODY + 8 * responses.PIECE


@pytest.mark.parametrize(
    ("packed", "encoding", "says"),
    [
        pytest.param(GOOD, "gzip", "announced as gzip but is not", id="gzip-announced-but-not-sent"),
        pytest.param(GOOD, "deflate", "announced as deflate but is not", id="deflate-announced-but-not-sent"),
        pytest.param(gzip.compress(GOOD) + b"more", "gzip", "announced as gzip but is not", id="rest-behind-the-end"),
        pytest.param(gzip.compress(GOOD)[:-8] + b"\0" * 8, "gzip", "incorrect data check", id="wrong-checksum"),
        pytest.param(GOOD, "br", "the content encoding br was not asked for", id="brotli"),
        pytest.param(GOOD, "zstd", "the content encoding zstd was not asked for", id="zstd"),
        pytest.param(gzip.compress(gzip.compress(GOOD)), "gzip, gzip", "gzip, gzip was not asked for", id="twice"),
    ],
)
async def test_what_cannot_be_unpacked_is_no_json(packed: bytes, encoding: str, says: str) -> None:
    asked = bench(answer(200, packed, content_encoding=encoding))
    with pytest.raises(NotJsonError, match=says):
        await asked.ask()
    assert asked.notes.codes == ["200"]


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        pytest.param(gzip.compress(GOOD)[:-1], "gzip", id="checksum-cut"),
        pytest.param(gzip.compress(GOOD)[:20], "gzip", id="data-cut"),
        pytest.param(gzip.compress(GOOD)[:3], "gzip", id="header-cut"),
        pytest.param(gzip.compress(GOOD) + gzip.compress(GOOD)[:9], "gzip", id="second-member-cut"),
        pytest.param(zlib.compress(GOOD)[:-2], "deflate", id="deflate-cut"),
        pytest.param(raw_deflate(GOOD)[:-2], "deflate", id="deflate-without-its-frame-cut"),
    ],
)
async def test_a_packed_body_without_its_end_is_a_lost_connection(packed: bytes, encoding: str) -> None:
    asked = bench(answer(200, packed, content_encoding=encoding))
    with pytest.raises(ConnectionLostError, match="has no end"):
        await asked.ask()
    assert asked.notes.codes == ["200"] * 3, "asked again: the next answer may be whole"


@given(noise=st.binary(max_size=300), encoding=st.sampled_from(["gzip", "deflate"]), cut=st.integers(0, 60))
async def test_noise_is_never_more_than_one_of_two_errors(noise: bytes, encoding: str, cut: int) -> None:
    packed = (gzip.compress(GOOD) if encoding == "gzip" else zlib.compress(GOOD))[:cut] + noise
    response = httpx.Response(200, headers={"Content-Encoding": encoding}, stream=Wire(packed))
    with suppress(httpx.DecodingError, httpx.RemoteProtocolError):
        assert isinstance(await unpacked(response), bytes)
