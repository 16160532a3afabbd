"""Vectors → nearest vectors: one protocol, a numpy judge and FAISS."""
