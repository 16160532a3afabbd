"""Training: PyTorch. Needs the extra `train`; nothing that serves imports this package."""
