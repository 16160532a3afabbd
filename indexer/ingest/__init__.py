"""Feed → catalog: reader → mapper → writer, driven by the runner. Killed at any time, run it again."""
