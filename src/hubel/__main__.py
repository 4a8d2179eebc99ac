"""`python -m hubel`."""

from __future__ import annotations

from hubel.cli.main import main

if __name__ == "__main__":
    main()
