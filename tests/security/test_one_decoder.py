"""Nobody else decodes a photo, and nothing is unpickled: the linter refuses it everywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("segmentation", "indexer", "search_api", "wardrobe")

REFUSED = [
    "import cv2\n\ncv2.imread(__file__)\n",
    "import cv2\n\ncv2.imdecode(b'', 1)\n",
    "from cv2 import imdecode\n\nimdecode(b'', 1)\n",
    "import cv2\n\ncv2.VideoCapture(__file__)\n",
    "from PIL import Image\n\nImage.open(__file__)\n",
    "import PIL.Image\n\nPIL.Image.open(__file__)\n",
    "from PIL import Image as I\n\nI.open(__file__)\n",
    "from PIL import ImageFile\n\nImageFile.Parser()\n",
    "from torchvision.io import read_image\n\nread_image(__file__)\n",
    "import torchvision\n\ntorchvision.io.read_image(__file__)\n",
    "from torchvision.datasets import ImageFolder\n\nImageFolder(__file__)\n",
    "import imageio\n\nimageio.imread(__file__)\n",
    "from skimage import io\n\nio.imread(__file__)\n",
    "import matplotlib.image\n\nmatplotlib.image.imread(__file__)\n",
    "import pickle\n\npickle.loads(b'')\n",
    "from pickle import loads\n\nloads(b'')\n",
    "import torch\n\ntorch.load(__file__)\n",
    "import joblib\n\njoblib.load(__file__)\n",
]


def findings(code: str, path: str) -> list[str]:
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--quiet"]
    command += ["--output-format", "concise", "--stdin-filename", path, "-"]
    ran = subprocess.run(command, input=code, capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode in (0, 1), ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("code", REFUSED)
def test_other_decoders_are_refused(code: str) -> None:
    for package in PACKAGES:
        assert findings(code, f"{package}/anything.py"), package


def test_the_decoder_itself_may() -> None:
    assert not findings(REFUSED[4], "segmentation/photo.py")
    assert findings(REFUSED[4], "segmentation/photo_bombs.py")
