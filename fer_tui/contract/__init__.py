"""The words that all share: everything an explainer, the engine and the faces say to one another."""

from .actions import Action, action
from .errors import FerTuiError, InputError, PictureError, PluginError
from .explainer import CONTRACT_VERSION, Description, Explainer
from .explanations import Explanation, Gallery, Heatmap, Kind, Matrix, Reply, Result
from .masks import read_masks
from .parameters import PRECISIONS, ParameterInfo, Parameters, Value, parameter, parse_parameters
from .places import Axis, Place
from .subject import Classifier, Dataset, Kept, Layer, Sample, Subject
from .tables import Cell, Column, Table
from .words import FER_CLASSES, nearest, plain, same_name

__all__ = [
    "CONTRACT_VERSION",
    "FER_CLASSES",
    "PRECISIONS",
    "Action",
    "Axis",
    "Cell",
    "Classifier",
    "Column",
    "Dataset",
    "Description",
    "Explainer",
    "Explanation",
    "FerTuiError",
    "Gallery",
    "Heatmap",
    "InputError",
    "Kept",
    "Kind",
    "Layer",
    "Matrix",
    "ParameterInfo",
    "Parameters",
    "PictureError",
    "Place",
    "PluginError",
    "Reply",
    "Result",
    "Sample",
    "Subject",
    "Table",
    "Value",
    "action",
    "nearest",
    "parameter",
    "parse_parameters",
    "plain",
    "read_masks",
    "same_name",
]
