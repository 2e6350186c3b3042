"""Data: named data sets, files, folders, arrays, datasets and iterables."""

from nelbo.data.as_source import as_source
from nelbo.data.batches import Batches
from nelbo.data.beside import beside
from nelbo.data.covariates import WithCovariates, load_with
from nelbo.data.examples import Examples
from nelbo.data.indexed import Indexed
from nelbo.data.loading import DATASETS, Data, load
from nelbo.data.map_dataset import MapDataset
from nelbo.data.npy_rows import NpyRows
from nelbo.data.on_disk import OnDisk
from nelbo.data.oversample import oversample
from nelbo.data.parquet_rows import ParquetRows
from nelbo.data.part import Part
from nelbo.data.rows import Rows
from nelbo.data.source import Source
from nelbo.data.stream import Stream
from nelbo.data.transforms import (
    Dequantise,
    DynamicBinarise,
    Raw,
    Scale,
    Standardise,
    StaticBinarise,
    Transform,
)

__all__ = [
    "DATASETS",
    "Batches",
    "Data",
    "Dequantise",
    "DynamicBinarise",
    "Examples",
    "Indexed",
    "MapDataset",
    "NpyRows",
    "OnDisk",
    "ParquetRows",
    "Part",
    "Raw",
    "Rows",
    "Scale",
    "Source",
    "Standardise",
    "StaticBinarise",
    "Stream",
    "Transform",
    "WithCovariates",
    "as_source",
    "beside",
    "load",
    "load_with",
    "oversample",
]
