"""What the arithmetic of a design says that its designer may not have meant.

Each piece of advice is a fact with its numbers, and what would mend it. No taste: what is only
usual, or only unusual, is not here. One module for each subject, with one rule a function.
"""

from __future__ import annotations

from hubel.analysis.advice.advising import advise
from hubel.analysis.advice.fact import Advice
from hubel.analysis.advice.weights import advise_weights

__all__ = ["Advice", "advise", "advise_weights"]
