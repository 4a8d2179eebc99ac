"""Shapes as formulas in the input's sizes, and which sizes a network takes."""
