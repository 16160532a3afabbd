"""Cut-outs → unit vectors: the same garment lands close to itself."""
