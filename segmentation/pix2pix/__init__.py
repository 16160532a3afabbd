"""pix2pix (Isola et al. 2017): which pixels of a person are skin, hair and clothes."""
