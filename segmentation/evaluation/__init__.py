"""Figures on photos that were never trained on."""
