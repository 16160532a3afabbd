"""Everything Garb raises on purpose.

GarbError                      one line, says what to do next
├── PhotoError                 a photo that cannot be used
│   ├── PhotoTooLarge          more bytes or pixels than allowed
│   ├── PhotoFormatUnsupported not JPEG, PNG or WebP
│   └── PhotoUnreadable        empty, truncated or damaged
├── AnnotationError            an annotation file that cannot be read
├── LabelError                 a label or category nobody knows
├── ModelError                 a model that cannot be used
│   ├── ModelNotFound          no such version
│   └── ModelDamaged           a file whose sha256 is not the card's
└── MissingDependency          an extra that is not installed
"""


class GarbError(Exception):
    """Base of every error raised on purpose; ``str()`` is one line for the user."""


class PhotoError(GarbError):
    """A photo that cannot be used."""


class PhotoTooLarge(PhotoError):
    """More bytes or more pixels than the limits allow."""


class PhotoFormatUnsupported(PhotoError):
    """The bytes are not JPEG, PNG or WebP."""


class PhotoUnreadable(PhotoError):
    """The bytes claim to be a photo and cannot be decoded."""


class AnnotationError(GarbError):
    """An annotation file that cannot be read or does not fit its photos."""


class LabelError(GarbError):
    """A label or category that no label set knows."""


class ModelError(GarbError):
    """A model version that cannot be used."""


class ModelNotFound(ModelError):
    """No such version of this kind of model."""


class ModelDamaged(ModelError):
    """A model file is missing or its sha256 differs from the card's."""


class MissingDependency(GarbError):
    """An optional package is needed; the message names the extra to install."""
