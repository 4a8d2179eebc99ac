"""What follows from a design before a weight exists; the verb is `hubel design`.

The way of the data: a network is recorded (`recording/`) or told why it can't be (`faults/`);
every analysis reads that one graph: costs and conventions (here), `shapes/` as formulas,
`flow/`, receptive `fields/`, `budget/` of time and memory, `advice/`, `collapse/`, `drawing/`.
`assemble` puts them together into a `Design`, which tables and JSON are made from.
"""
