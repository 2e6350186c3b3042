"""Hugging Face's data sets, as they are handed over."""

import numpy as np
import pytest
import torch
from PIL import Image

from nelbo.data import Examples, MapDataset, Stream, as_source, load
from nelbo.errors import BadType, BadValue
from nelbo.rng import generator

datasets = pytest.importorskip("datasets")
pytestmark = pytest.mark.filterwarnings("ignore")


def images(n=9):
    arrays = np.random.default_rng(0).integers(0, 256, (n, 5, 6, 3), dtype=np.uint8)
    kinds = {"label": datasets.Value("int64"), "name": datasets.Value("string")}
    features = datasets.Features({"image": datasets.Image(), **kinds})
    columns = {
        "image": [Image.fromarray(a) for a in arrays],
        "label": list(range(n)),
        "name": ["x"] * n,
    }
    x = torch.from_numpy(arrays).permute(0, 3, 1, 2) / 255
    return datasets.Dataset.from_dict(columns, features=features), x


def test_images_by_number():
    given, x = images()
    source = as_source(given)
    assert isinstance(source, MapDataset)
    assert (source.shape, source.size) == ((3, 5, 6), 9)
    assert torch.equal(torch.cat(list(source.epoch(4))), x)
    shuffled = torch.cat(list(source.epoch(4, generator(0))))
    assert torch.equal(shuffled, x[torch.randperm(9, generator=generator(0))])
    assert torch.equal(torch.cat(list(source.epoch(4, generator(0), 1))), shuffled[4:])


def test_images_as_a_stream():
    given, x = images()
    source = as_source(given.to_iterable_dataset(num_shards=2))
    assert isinstance(source, Stream)
    assert (source.shape, source.size) == ((3, 5, 6), None)
    assert torch.equal(torch.cat(list(source.epoch(4))), x)
    shuffled = torch.cat(list(source.epoch(4, generator(0))))
    assert sorted(shuffled.flatten(1).tolist()) == sorted(x.flatten(1).tolist())
    assert torch.equal(torch.cat(list(source.epoch(4, generator(0), 1))), shuffled[4:])


@pytest.mark.parametrize("form", [None, "numpy", "torch"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_vectors(form, dtype):
    x = np.arange(12).reshape(6, 2)
    kinds = {"row": datasets.List(datasets.Value(dtype)), "n": datasets.Value("int64")}
    given = datasets.Dataset.from_dict(
        {"row": x.tolist(), "n": [1] * 6}, features=datasets.Features(kinds)
    ).with_format(form)
    for source in (as_source(given), as_source(given.to_iterable_dataset())):
        found = torch.cat(list(source.epoch(4)))
        scale = 255 if dtype == "uint8" else 1
        assert torch.equal(found, torch.from_numpy(x).float() / scale)


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)])
def test_arrays_and_what_is_written_of_them_as_parquet(tmp_path, shape):
    x = np.random.default_rng(0).integers(0, 256, (20, *shape), dtype=np.uint8)
    kind = datasets.Array2D if len(shape) == 2 else datasets.Array3D
    features = datasets.Features({"x": kind(shape, "uint8")})
    given = datasets.Dataset.from_dict({"x": list(x)}, features=features)
    assert torch.equal(torch.cat(list(as_source(given).epoch(8))), Examples(x)[:])
    given.to_parquet(tmp_path / "x.parquet")
    assert torch.equal(load(tmp_path / "x.parquet").test[:], load(x).test[:])


def test_images_written_as_parquet(tmp_path):
    given, x = images(20)
    given.to_parquet(tmp_path / "x.parquet")
    data = load(tmp_path / "x.parquet")
    assert torch.equal(data.train[:], x[data.train.labels])
    assert torch.equal(data.test[:], x[data.test.labels])


def test_a_users_transform_stays_in_his_thread():
    given, _ = images()
    given.set_transform(lambda batch: {"image": [torch.rand(2) for _ in batch["image"]]})
    source = as_source(given)
    torch.manual_seed(0)
    found = torch.cat(list(source.epoch(4)))
    torch.manual_seed(0)
    assert torch.equal(found, torch.stack([torch.rand(2) for _ in range(9)]))


def test_the_column_is_chosen_by_name_or_by_kind():
    def chosen(**columns):
        return next(as_source(datasets.Dataset.from_dict(columns)).epoch(1)).tolist()

    assert chosen(label=[3], x=[[1.0, 2.0]], other=[[5.0]]) == [[1.0, 2.0]]
    assert chosen(label=[3], text=["a"], pixels=[[1.0, 2.0]]) == [[1.0, 2.0]]
    assert chosen(text=["a"], height=[2.5]) == [[2.5]]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "columns",
    [{"a": [1.0], "b": [2.0]}, {"a": [[1.0]], "b": [[2.0]]}, {"a": ["text"]}, {"a": [None]}],
)
def test_columns_that_leave_it_open_are_listed(columns, stream, one_line):
    given = datasets.Dataset.from_dict(columns)
    with pytest.raises(BadValue, match="select_columns") as error:
        as_source(given.to_iterable_dataset() if stream else given)
    for name in columns:
        assert f"{name} (" in one_line(error)


def test_a_missing_value_is_named(one_line):
    given = datasets.Dataset.from_dict({"x": [[1.0], None, [2.0]]})
    with pytest.raises(BadValue, match="item 1, column 'x'") as error:
        list(as_source(given).epoch(2))
    one_line(error)


def test_counts_or_pixels():
    with pytest.raises(BadValue, match="int64"):
        as_source(datasets.Dataset.from_dict({"x": [[1, 2]]}))


def test_no_rows():
    given = datasets.Dataset.from_dict({"x": []})
    none = datasets.IterableDataset.from_generator(lambda: iter(()))
    for value in (given, none):
        with pytest.raises(BadValue, match="at least one"):
            as_source(value)


def test_several_splits():
    given, _ = images()
    with pytest.raises(BadType, match="one of its values"):
        as_source(datasets.DatasetDict(train=given))
