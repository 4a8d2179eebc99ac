"""Receptive fields: which part of the input each unit of a network sees.

Here belongs what reads them off a graph: spans of pixels that pass through the operators as index
arrays, a rule for every operator that moves or mixes positions, and the summary that people read.
"""

from __future__ import annotations

from hubel.analysis.fields.field import Axis, Field
from hubel.analysis.fields.reading import Fields, receptive_fields

__all__ = ["Axis", "Field", "Fields", "receptive_fields"]
