"""Make a picture of a page out of a large one: 1200 pixels wide, with 128 colours."""

import sys

from PIL import Image

WIDTH, COLOURS = 1200, 128

source, target = sys.argv[1:]
image = Image.open(source).convert("RGB")
height = round(WIDTH * image.height / image.width)
image.resize((WIDTH, height), Image.Resampling.LANCZOS).quantize(COLOURS).save(target, optimize=True)
print(f"{target}: {WIDTH} x {height}")
