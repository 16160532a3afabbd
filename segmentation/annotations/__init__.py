"""Readers of annotations, one a format, all into `AnnotatedPhoto`."""
