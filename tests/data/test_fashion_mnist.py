import hashlib
import http.server
import socket
import threading

import pytest
import torch

from nelbo.data import checksums, fashion_mnist, load
from nelbo.errors import BadValue, Failed


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """Point cache, Debian's folder and the download at places with nothing."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("NELBO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "debian")
    monkeypatch.setattr(fashion_mnist, "URL", f"http://127.0.0.1:{port}/")
    return tmp_path


def test_found_nowhere_is_one_line_that_names_the_other_ways(nowhere, one_line, capfd):
    with pytest.raises(Failed) as error:
        load("fashion-mnist")
    text = one_line(error)
    assert "apt-get install dataset-fashion-mnist" in text
    assert str(nowhere / "cache" / "fashion-mnist") in text
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("compress", [True, False])
def test_cache_comes_before_debian(nowhere, four_files, monkeypatch, compress):
    digests = four_files(nowhere / "cache" / "fashion-mnist", compress)
    four_files(nowhere / "debian", seed=1)
    monkeypatch.setattr(checksums, "FASHION_MNIST", digests)
    data = load("fashion-mnist")
    assert data.train.array.shape == (5, 1, 4, 6)
    assert str(nowhere / "cache") in data.provenance


def test_debian_comes_when_the_cache_lacks_a_file(nowhere, four_files, monkeypatch):
    four_files(nowhere / "cache" / "fashion-mnist")
    (nowhere / "cache" / "fashion-mnist" / "t10k-images-idx3-ubyte.gz").unlink()
    digests = four_files(nowhere / "debian", seed=1)
    monkeypatch.setattr(checksums, "FASHION_MNIST", digests)
    assert str(nowhere / "debian") in load("fashion-mnist").provenance


def test_a_tampered_file_is_refused(nowhere, four_files, monkeypatch, one_line):
    folder = nowhere / "cache" / "fashion-mnist"
    digests = four_files(folder, compress=False)
    monkeypatch.setattr(checksums, "FASHION_MNIST", digests)
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(BadValue) as error:
        load("fashion-mnist")
    assert digests[path.name][:12] in one_line(error)
    assert str(path) in str(error.value)


@pytest.fixture
def server(nowhere, monkeypatch):
    """Serve nowhere/site over real HTTP on the loopback."""
    site = nowhere / "site"
    site.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(site))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(fashion_mnist, "URL", f"http://127.0.0.1:{running.server_port}/")
        yield site
        running.shutdown()
        thread.join()


def test_download_fills_the_cache_and_is_used_again(nowhere, four_files, server, monkeypatch):
    monkeypatch.setattr(checksums, "FASHION_MNIST", four_files(server))
    md5 = {p.stem: hashlib.md5(p.read_bytes()).hexdigest() for p in server.iterdir()}
    monkeypatch.setattr(checksums, "FASHION_MNIST_GZ_MD5", md5)
    first = load("fashion-mnist")
    for path in server.iterdir():
        path.unlink()
    second = load("fashion-mnist")
    assert torch.equal(first.train.array, second.train.array)
    assert str(nowhere / "cache") in second.provenance


def test_a_wrong_download_leaves_nothing_in_the_cache(nowhere, four_files, server):
    four_files(server)
    with pytest.raises(Failed):
        load("fashion-mnist")
    assert list((nowhere / "cache" / "fashion-mnist").iterdir()) == []


def test_without_the_variable_the_system_cache_is_used(monkeypatch):
    monkeypatch.delenv("NELBO_CACHE", raising=False)
    assert fashion_mnist.cache().parts[-2:] == ("nelbo", "fashion-mnist")


def _real_is_here():
    return any(fashion_mnist._complete(f) for f in (fashion_mnist.cache(), fashion_mnist.DEBIAN))


@pytest.mark.skipif(not _real_is_here(), reason="neither in the cache nor installed by apt")
def test_real_data_has_its_known_mean():
    data = load("fashion-mnist")
    mean = data.train.array.sum(dtype=torch.int64).item() / data.train.array.numel()
    assert mean == pytest.approx(72.940351, abs=1e-5)
    assert data.train.labels.bincount().tolist() == [6000] * 10
    assert data.test.array.shape == (10000, 1, 28, 28)
