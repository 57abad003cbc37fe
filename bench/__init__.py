"""Figures of the product, one file each: `python -m bench NAME --json FILE`."""
