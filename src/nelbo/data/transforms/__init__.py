"""Transforms: from stored examples to what a model sees."""

from nelbo.data.transforms.choose import as_transform
from nelbo.data.transforms.dequantise import Dequantise
from nelbo.data.transforms.dynamic_binarise import DynamicBinarise
from nelbo.data.transforms.raw import Raw
from nelbo.data.transforms.scale import Scale
from nelbo.data.transforms.standardise import Standardise
from nelbo.data.transforms.static_binarise import StaticBinarise
from nelbo.data.transforms.transform import Transform

__all__ = [
    "Dequantise",
    "DynamicBinarise",
    "Raw",
    "Scale",
    "Standardise",
    "StaticBinarise",
    "Transform",
    "as_transform",
]
