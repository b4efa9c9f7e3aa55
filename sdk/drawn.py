"""Pictures with writing in them: operator panels, labels and title blocks, drawn with fonts that Debian has (fonts-dejavu-core)."""

import io
import pathlib
import random

from PIL import Image, ImageDraw, ImageFont

FONTS = pathlib.Path("/usr/share/fonts/truetype/dejavu")
FACES = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf"]
# Ground and ink: paper, a grey panel, dark panels, a screen of the eighties.
COLOURS = [("white", "black"), ("#c0c0c0", "black"), ("#1e1e28", "#e8e8e8"), ("#003050", "#ffd040"), ("black", "#30ff60")]
KINDS = ["TIC", "PT", "FIC", "LSH", "XV", "TT", "PDI", "HS"]
UNITS = ["°C", "bar", "%", "l/min"]


def font(face, size):
    return ImageFont.truetype(FONTS / face, size)


def png(image):
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def lines(texts, size=14, colours=COLOURS[0], face=FACES[0]):
    """Lines of text, one below the other."""
    ink, ground = colours[1], colours[0]
    own = font(face, size)
    width = max(int(own.getlength(text)) for text in texts) + 4 * size
    image = Image.new("RGB", (width, 2 * size * (len(texts) + 1)), ground)
    draw = ImageDraw.Draw(image)
    for row, text in enumerate(texts):
        draw.text((2 * size, 2 * size * row + size), text, font=own, fill=ink)
    return image


def panel(seed, size):
    """An operator panel with twelve boxes; gives it with the tags and setpoints that it shows."""
    chance = random.Random(seed)
    (ground, ink), own = COLOURS[seed % 5], font(FACES[seed // 5 % 4], size)
    image = Image.new("RGB", (size * 70, size * 33), ground)
    draw = ImageDraw.Draw(image)
    draw.text((size, size), "Brewhouse 2, Übersicht Läuterbottich", font=own, fill=ink)
    tags, setpoints = [], []
    for box in range(12):
        x, y = size * (2 + 22 * (box % 3)), size * (4 + 7 * (box // 3))
        draw.rectangle([x - size // 2, y - size // 2, x + size * 19, y + size * 5], outline=ink)
        tag = f"{chance.choice(KINDS)}-{chance.randint(100, 9999)}"
        unit = chance.choice(UNITS)
        is_, shall = (f"{chance.randint(10, 250)}.{chance.randint(0, 9)}" for _ in range(2))
        for row, text in enumerate([tag, f"PV {is_} {unit}", f"SP {shall} {unit}"]):
            draw.text((x, y + int(size * 1.6 * row)), text, font=own, fill=ink)
        tags.append(tag)
        setpoints += [f"{is_} {unit}", f"{shall} {unit}"]
    return image, tags, setpoints


def photographed(image, seed):
    """The same as a camera would have it: aslant, uneven light, grain, JPEG."""
    chance = random.Random(seed)
    image = image.rotate(chance.uniform(-1.5, 1.5), Image.Resampling.BICUBIC, expand=True, fillcolor=image.getpixel((0, 0)))
    light = Image.linear_gradient("L").resize(image.size).convert("RGB")
    image = Image.blend(image, light, 0.25)
    grain = Image.effect_noise(image.size, 24).convert("RGB")
    return Image.blend(image, grain, 0.15)


def jpeg(image, quality):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
