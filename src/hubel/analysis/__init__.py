"""Static arithmetic on networks: shapes, parameters, multiply-adds.

Here belongs what is known of a network before it has weights; the verb is `hubel design`.
"""
