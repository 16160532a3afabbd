"""Photo → garments. Pure vision: this package knows no database and no HTTP."""
