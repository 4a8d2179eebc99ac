"""How values flow through a graph: its edges, its sliding windows, its linear stacks."""
