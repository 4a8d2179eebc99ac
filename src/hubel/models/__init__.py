"""Networks: their typed description, and the modules that it builds.

Here belongs what turns an `Architecture` into an `nn.Module`, and nothing that knows about files,
losses or training.
"""
