"""How optimizers walk, on surfaces that can be drawn and on a small real problem.

Here belong the surfaces, the problem, and the fair choice of each optimizer's rate. The steps are
those of `hubel.training.optimizers`; pictures of the walks are drawn in `hubel.reports`.
"""
