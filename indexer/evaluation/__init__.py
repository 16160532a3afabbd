"""Figures of the whole pipeline: a shop's own photos in, the right product found or not."""
