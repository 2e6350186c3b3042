"""Data: named data sets, files, folders, arrays, datasets and iterables of batches."""

from nelbo.data.as_source import as_source
from nelbo.data.batches import Batches
from nelbo.data.examples import Examples
from nelbo.data.loading import DATASETS, Data, load
from nelbo.data.map_dataset import MapDataset
from nelbo.data.source import Source
from nelbo.data.transforms import (
    Dequantise,
    DynamicBinarise,
    Raw,
    Scale,
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
    "MapDataset",
    "Raw",
    "Scale",
    "Source",
    "StaticBinarise",
    "Transform",
    "as_source",
    "load",
]
