"""Mask R-CNN (He et al. 2017): which garment, and where."""
