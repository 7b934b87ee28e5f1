"""Make a picture of a page out of a large one: 1200 pixels wide."""

import sys

from PIL import Image

WIDTH = 1200

source, target = sys.argv[1:]
image = Image.open(source).convert("RGB")
height = round(WIDTH * image.height / image.width)
image.resize((WIDTH, height), Image.Resampling.LANCZOS).save(target, optimize=True)
print(f"{target}: {WIDTH} x {height}")
