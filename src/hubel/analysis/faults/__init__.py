"""Why a network fails at an input: the layer, the arithmetic that failed, and the mend."""
