"""Draw the sample clip: a silent animated film of 20 s in four scenes, made of nothing but this file.

Usage: ``python data/draw_sample_clip.py OUT.mp4``

The film has a planted rhythm. It is cut hard at 5, 10 and 15 s, on the grid of 120 BPM, and its scenes are

1. dawn: a lake before mountains, the camera drifting, the sun coming up;
2. ball: a ball that lands on the next of eleven pillars every half second, on the beat;
3. tunnel: a fast ride through a tunnel whose lamps rush up on the beat;
4. night: the lake again, under stars.

Something round leads from scene to scene: sun, ball, the tunnel's mouth, moon.

All lengths are in units of a picture 960 wide and 540 high; ``Canvas`` scales them to the pixels asked for.
Colours are RGB, 0 to 255. Time is in seconds from the start of the scene.
"""

import argparse
import math
import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

WIDTH, HEIGHT = 960, 540
BPM = 120
BEAT = 60 / BPM
SCENE_SECONDS = 5.0
FRAME_RATE = 24

Picture = NDArray[np.uint8]
Points = NDArray[np.float64]
Colour = tuple[float, float, float]

_SUBPIXEL_BITS = 4


class Canvas:
    """A picture to draw on in units of 960 x 540, with edges smoothed and positions kept to a sixteenth of a pixel."""

    def __init__(self, picture: Picture):
        self.picture = picture
        self.scale = picture.shape[0] / HEIGHT

    def polygon(self, points: Points, colour: Colour) -> None:
        cv2.fillPoly(self.picture, [self._fixed_point(points)], colour, cv2.LINE_AA, _SUBPIXEL_BITS)

    def line(self, points: Points, colour: Colour, thickness: float) -> None:
        pixels = max(1, round(thickness * self.scale))
        cv2.polylines(self.picture, [self._fixed_point(points)], False, colour, pixels, cv2.LINE_AA, _SUBPIXEL_BITS)

    def ellipse(self, x: float, y: float, radius_x: float, radius_y: float, colour: Colour) -> None:
        """Fill an ellipse; each pixel takes the share of it that the ellipse covers, where cv2 leaves bumps."""
        x, y, radius_x, radius_y = (value * self.scale for value in (x, y, radius_x, radius_y))
        height, width = self.picture.shape[:2]
        left, right = max(0, math.floor(x - radius_x) - 1), min(width, math.ceil(x + radius_x) + 1)
        top, bottom = max(0, math.floor(y - radius_y) - 1), min(height, math.ceil(y + radius_y) + 1)
        if left >= right or top >= bottom:
            return
        across = (np.arange(left, right, dtype=np.float32) + 0.5 - x)[None, :] / radius_x
        down = (np.arange(top, bottom, dtype=np.float32) + 0.5 - y)[:, None] / radius_y
        reach = np.hypot(across, down)
        # The distance to the rim, to first order: the excess of the reach over its slope.
        slope = np.hypot(across / radius_x, down / radius_y) / np.maximum(reach, 1e-3)
        share = np.clip(0.5 - (reach - 1) / np.maximum(slope, 1e-6), 0, 1)[:, :, None]
        part = self.picture[top:bottom, left:right]
        part[:] = part + (np.array(colour, np.float32) - part) * share + 0.5

    def glow(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Add light that fades out with the distance from (x, y)."""
        patch = _glow_patch(max(2, round(radius * self.scale)), colour)
        half = patch.shape[0] / 2
        shift = np.array([[1, 0, x * self.scale - half], [0, 1, y * self.scale - half]])
        height, width = self.picture.shape[:2]
        cv2.add(self.picture, cv2.warpAffine(patch, shift, (width, height)), dst=self.picture)

    def haze(self, top: float, bottom: float, colour: Colour, strength: float) -> None:
        """Lay a band of mist over the rows from `top` to `bottom`, thickest at the bottom."""
        first, last = round(top * self.scale), round(bottom * self.scale)
        share = (np.linspace(0, 1, last - first) ** 2 * strength)[:, None, None]
        rows = self.picture[first:last]
        rows[:] = rows * (1 - share) + np.array(colour) * share

    def mirror(self, shore: float, time: float, tint: Colour, strength: float) -> None:
        """Turn all below `shore` into water: what stands above it upside down, rippled and tinted."""
        height, width = self.picture.shape[:2]
        first = round(shore * self.scale)
        depth = np.arange(height - first, dtype=np.float32) / np.float32(self.scale)
        # Ripples widen towards the viewer; two that travel at different speeds never look like one moving texture.
        swell = (0.4 + depth / 60) * (np.sin(depth * 0.55 - time * 1.3) + 0.6 * np.sin(depth * 0.23 + time * 0.9))
        source_row = np.clip(first - 1 - (depth * 1.25 + swell) * self.scale, 0, first - 1).astype(np.float32)
        rows = np.repeat(source_row[:, None], width, axis=1)
        columns = np.arange(width, dtype=np.float32)[None, :] + (swell * 1.2 * self.scale)[:, None].astype(np.float32)
        water = cv2.remap(self.picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        share = np.linspace(strength * 0.6, strength, height - first)[:, None, None]
        self.picture[first:] = water * (1 - share) + np.array(tint) * share

    def _fixed_point(self, points: Points) -> NDArray[np.int32]:
        # cv2 puts whole numbers in the middle of a pixel, we put them on its edge: hence the half.
        return np.round((points * self.scale - 0.5) * 2**_SUBPIXEL_BITS).astype(np.int32)


@lru_cache(maxsize=16)
def _glow_patch(radius: int, colour: Colour) -> Picture:
    offset = np.arange(2 * radius) - radius + 0.5
    distance = np.hypot(offset[:, None], offset[None, :]) / radius
    light = np.clip(1 - distance, 0, 1) ** 2.2
    return (light[:, :, None] * np.array(colour)).astype(np.uint8)


@lru_cache(maxsize=8)
def _sky(height: int, stops: tuple[tuple[float, Colour], ...]) -> Picture:
    """A vertical gradient through `stops` of (share of the height, colour), dithered: eight bits alone show bands."""
    width = round(height * WIDTH / HEIGHT)
    row = np.linspace(0, 1, height)
    at = [share for share, _ in stops]
    gradient = np.stack([np.interp(row, at, [colour[i] for _, colour in stops]) for i in range(3)], axis=-1)
    dither = np.random.default_rng(7).random((height, width, 1))
    return (gradient[:, None, :] + dither).clip(0, 255).astype(np.uint8)


def _mix(colour: Colour, other: Colour, share: float) -> Colour:
    a, b, c = (one + (two - one) * share for one, two in zip(colour, other, strict=True))
    return (a, b, c)


@lru_cache(maxsize=16)
def _terrain(seed: int, n_octave: int) -> NDArray[np.float64]:
    """Heights from 0 to 1 of a skyline that repeats after its 512 samples; more octaves, more rugged."""
    random = np.random.default_rng(seed)
    sample = np.arange(512)
    height = np.zeros(512)
    for octave in range(n_octave):
        n_peak = 5 * 2**octave
        peaks = random.random(n_peak)
        height += np.interp(sample * n_peak / 512, np.arange(n_peak + 1), np.append(peaks, peaks[0])) * 0.5**octave
    if n_octave <= 2:
        smooth = np.hanning(41) / np.hanning(41).sum()
        height = np.convolve(np.tile(height, 3), smooth, mode="same")[512:1024]
    return (height - height.min()) / np.ptp(height)


def _skyline(seed: int, n_octave: int, x: NDArray[np.float64], base: float, rise: float) -> NDArray[np.float64]:
    """The y of the skyline over each x of the land; a sample stands every 5 units."""
    return base - rise * np.interp(x / 5, np.arange(512), _terrain(seed, n_octave), period=512)


def _ridge(
    canvas: Canvas, seed: int, n_octave: int, shift: float, base: float, rise: float, foot: float, colour: Colour
) -> None:
    """Fill a chain of hills whose land has moved `shift` to the left, down to the row `foot`."""
    x = np.arange(-10.0, WIDTH + 15, 5) - shift % 5
    y = _skyline(seed, n_octave, x + shift, base, rise)
    outline = np.column_stack((x, y))
    canvas.polygon(np.vstack((outline, [[x[-1], foot], [x[0], foot]])), colour)


def _pine(canvas: Canvas, x: float, foot: float, height: float, colour: Colour) -> None:
    canvas.polygon(
        np.array([[x - height * 0.03, foot + 6], [x, foot - height * 0.3], [x + height * 0.03, foot + 6]]), colour
    )
    for bottom, top, half_width in ((0.1, 0.5, 0.2), (0.32, 0.75, 0.155), (0.58, 1.0, 0.105)):
        tier = [
            [x - half_width * height, foot - bottom * height],
            [x - half_width * height * 0.4, foot - (bottom + 0.09) * height],
            [x, foot - top * height],
            [x + half_width * height * 0.4, foot - (bottom + 0.09) * height],
            [x + half_width * height, foot - bottom * height],
            [x, foot - (bottom - 0.03) * height],
        ]
        canvas.polygon(np.array(tier), colour)


def _bank(canvas: Canvas, seed: int, shift: float, base: float, rise: float, colour: Colour, pines: Points) -> None:
    """The near shore; `pines` holds (x on the land, height) of the trees on it."""
    for x, height in pines:
        foot = float(_skyline(seed, 2, np.array([x]), base, rise)[0])
        _pine(canvas, x - shift, foot, height, colour)
    _ridge(canvas, seed, 2, shift, base, rise, HEIGHT + 10, colour)


def _group_of_pines(seed: int, first: float, last: float, n_pine: int, low: float, high: float) -> Points:
    random = np.random.default_rng(seed)
    return np.column_stack((np.sort(random.uniform(first, last, n_pine)), random.uniform(low, high, n_pine)))


_DAWN_SKY = (
    (0.0, (58.0, 62.0, 120.0)),
    (0.28, (128.0, 98.0, 150.0)),
    (0.50, (226.0, 140.0, 146.0)),
    (0.68, (252.0, 196.0, 150.0)),
    (1.0, (255.0, 224.0, 178.0)),
)
_DAWN_PINES = np.vstack((_group_of_pines(3, 10, 250, 9, 70, 175), _group_of_pines(5, 830, 1090, 10, 60, 150)))


def dawn(time: float, height: int) -> Picture:
    """A lake before mountains; the land drifts past, near parts faster than far ones, and the sun comes up."""
    canvas = Canvas(_sky(height, _DAWN_SKY).copy())
    sun_x, sun_y = 296 - 4 * time, 306 - 15 * time
    canvas.glow(sun_x, sun_y, 330, (96, 62, 30))
    canvas.glow(sun_x, sun_y, 120, (90, 80, 60))
    canvas.ellipse(sun_x, sun_y, 43, 43, (255, 243, 214))
    for index, (x, y, length) in enumerate(((560, 96, 190), (60, 62, 230), (730, 132, 210), (380, 158, 150))):
        drift = x + (5 + index) * time
        canvas.ellipse(drift, y, length / 2, 5 + index % 2 * 2, _mix((226, 160, 168), (130, 100, 150), 1 - y / 200))
        canvas.ellipse(drift + length * 0.22, y + 9, length / 3, 4, (222, 156, 166))
    _ridge(canvas, 11, 5, 80 + 4 * time, 368, 190, 400, (186, 128, 150))
    canvas.haze(250, 400, (255, 206, 172), 0.7)
    _ridge(canvas, 23, 4, 300 + 8 * time, 382, 130, 400, (132, 94, 134))
    canvas.haze(310, 400, (250, 190, 170), 0.55)
    _ridge(canvas, 31, 3, 40 + 14 * time, 392, 68, 400, (88, 70, 112))
    canvas.haze(350, 400, (240, 176, 168), 0.35)
    canvas.mirror(392, time, (70, 60, 112), 0.34)
    _glitter(canvas, sun_x, time, (255, 226, 184), min(1.0, 0.25 + time / 5))
    for index in range(5):
        _bird(canvas, 440 + 21 * time + 34 * abs(index - 2), 150 - 3 * time + 19 * (index - 2), time * 2.2 + index)
    _bank(canvas, 43, 30 * time, 540, 72, (38, 32, 62), _DAWN_PINES)
    return canvas.picture


def _glitter(canvas: Canvas, x: float, time: float, colour: Colour, strength: float) -> None:
    """The path of light that a low sun or moon draws on the water."""
    layer = Canvas(canvas.picture.copy())
    for index in range(15):
        y = 397 + 1.5 * index + 0.42 * index**2
        swing = math.sin(time * (1.1 + 0.07 * index) + index * 2.4)
        half = (7 + 2.1 * index) * (0.75 + 0.4 * swing)
        layer.ellipse(x + 3 * swing, y, half, 0.9 + 0.1 * index, colour)
    cv2.addWeighted(layer.picture, 0.7 * strength, canvas.picture, 1 - 0.7 * strength, 0, dst=canvas.picture)


def _bird(canvas: Canvas, x: float, y: float, phase: float) -> None:
    lift = 3.5 + 3 * math.sin(phase)
    wings = [[x - 11, y - lift], [x - 5, y - lift * 0.9 - 1], [x, y], [x + 5, y - lift * 0.9 - 1], [x + 11, y - lift]]
    canvas.line(np.array(wings), (62, 48, 92), 2)


_BALL_SKY = ((0.0, (250.0, 232.0, 204.0)), (1.0, (246.0, 196.0, 168.0)))
_PILLAR_COLOURS: tuple[Colour, ...] = ((38, 70, 83), (42, 157, 143), (233, 196, 106), (244, 162, 97))
_PILLAR_HEIGHTS = (110, 150, 195, 150, 225, 265, 195, 150, 225, 180, 120)
_PILLAR_WIDTH = WIDTH / len(_PILLAR_HEIGHTS)
_BALL_RADIUS = 34
_HOP = 165


def _pillar_top(index: int, time: float) -> float:
    """The row of a pillar's top; landed on, it gives way and swings back."""
    since = time - index * BEAT
    dip = 26 * math.exp(-5 * since) * math.sin(2 * math.pi * 2 * since) if since > 0 else 0.0
    return HEIGHT - _PILLAR_HEIGHTS[index] + dip


@lru_cache(maxsize=1)
def _ball_backdrop(height: int) -> Picture:
    canvas = Canvas(_sky(height, _BALL_SKY).copy())
    canvas.ellipse(480, 300, 330, 330, (252, 222, 184))
    canvas.ellipse(480, 300, 245, 245, (253, 232, 200))
    return canvas.picture


def ball(time: float, height: int) -> Picture:
    """A ball hops along eleven pillars and lands on one every beat."""
    canvas = Canvas(_ball_backdrop(height).copy())
    for index in range(len(_PILLAR_HEIGHTS)):
        since = time - index * BEAT
        flash = math.exp(-4 * since) if since >= 0 else 0.0
        colour = _mix(_PILLAR_COLOURS[index % 4], (255, 255, 246), 0.75 * flash)
        left, right, top = index * _PILLAR_WIDTH + 5, (index + 1) * _PILLAR_WIDTH - 5, _pillar_top(index, time)
        foot = HEIGHT + 10
        canvas.polygon(np.array([[left, top], [right, top], [right, foot], [left, foot]]), colour)
        canvas.polygon(
            np.array([[right - 16, top], [right, top], [right, foot], [right - 16, foot]]), _mix(colour, (0, 0, 0), 0.1)
        )
        canvas.polygon(
            np.array([[left, top], [right, top], [right, top + 9], [left, top + 9]]), _mix(colour, (255, 255, 255), 0.3)
        )
        if 0 <= since < 0.45:
            _spray(canvas, (left + right) / 2, HEIGHT - _PILLAR_HEIGHTS[index], since)
    _hopping_ball(canvas, time)
    return canvas.picture


def _spray(canvas: Canvas, x: float, y: float, since: float) -> None:
    """What flies up where the ball has landed."""
    size = 5.5 * (1 - since / 0.45)
    for side in (-1, 1):
        for speed, rise in ((95, 210), (150, 150), (60, 120)):
            away = side * (22 + speed * since)
            canvas.ellipse(x + away, y - 4 - rise * since + 420 * since**2, size, size, (231, 111, 81))


def _hopping_ball(canvas: Canvas, time: float) -> None:
    hop = min(int(time / BEAT), len(_PILLAR_HEIGHTS) - 2)
    share = time / BEAT - hop
    from_row, to_row = HEIGHT - _PILLAR_HEIGHTS[hop], HEIGHT - _PILLAR_HEIGHTS[hop + 1]
    x = (hop + 0.5 + share) * _PILLAR_WIDTH
    foot = from_row + (to_row - from_row) * share - 4 * _HOP * share * (1 - share)
    to_landing = min(share, 1 - share)
    squash = 0.3 * math.exp(-((to_landing / 0.07) ** 2))
    stretch = 0.22 * abs(1 - 2 * share) ** 1.5 * (1 - math.exp(-((to_landing / 0.12) ** 2)))
    # The area stays the same: what the ball loses in height it gains in width.
    tall = 1 - squash + stretch
    radius_y, radius_x = _BALL_RADIUS * tall, _BALL_RADIUS / tall
    y = foot - radius_y
    canvas.ellipse(x, y, radius_x, radius_y, (200, 76, 60))
    canvas.ellipse(x - radius_x * 0.07, y - radius_y * 0.08, radius_x * 0.9, radius_y * 0.89, (231, 98, 74))
    canvas.ellipse(x - radius_x * 0.34, y - radius_y * 0.4, radius_x * 0.26, radius_y * 0.2, (255, 206, 186))


_RING_SPACING = 1.5
_RINGS_PER_LAMP = 4
# One lamp a beat.
_RIDE_SPEED = _RINGS_PER_LAMP * _RING_SPACING / BEAT
# Seconds from a lamp's passing to the instant at which the next one's coming makes the picture's motion grow most.
_SURGE = 0.195
_MOUTH = _RIDE_SPEED * (SCENE_SECONDS + _SURGE) + 7
_FOCAL_LENGTH = 400
_NIGHT_BLUE: Colour = (44, 74, 124)
_FLOOR = 0.62


def _bend(distance: float) -> float:
    """How far the tunnel lies to the right of straight ahead, at a distance from its start."""
    return 2.6 * math.sin(distance * 0.052) + 0.8 * math.sin(distance * 0.13 + 1)


@lru_cache(maxsize=1)
def _arch() -> Points:
    """The tunnel's section: a vault of radius 1.5 over a flat floor; y grows downwards."""
    start = math.asin(_FLOOR / 1.5)
    angle = np.linspace(-start, math.pi + start, 40)
    return np.column_stack((1.5 * np.cos(angle), -1.5 * np.sin(angle)))


class _View:
    """The picture of the tunnel from a place on its axis, looking along it."""

    def __init__(self, place: float):
        self.place = place
        self.heading = (_bend(place + 0.05) - _bend(place - 0.05)) / 0.1

    def project(self, section: Points, distance: float) -> Points:
        ahead = max(distance - self.place, 0.16)
        side = _bend(distance) - _bend(self.place) - self.heading * (distance - self.place)
        return np.column_stack(
            (
                WIDTH / 2 + _FOCAL_LENGTH * (section[:, 0] + side) / ahead,
                HEIGHT / 2 + 10 + _FOCAL_LENGTH * section[:, 1] / ahead,
            )
        )

    def strip(self, left: tuple[float, float], right: tuple[float, float], near: float, far: float) -> Points:
        """A strip of wall or floor between two points of the section."""
        edge = np.array([left, right])
        return np.vstack((self.project(edge, near), self.project(edge[::-1], far)))


def tunnel(time: float, height: int) -> Picture:
    """A fast ride through a tunnel towards its mouth and the night outside."""
    view = _View(_RIDE_SPEED * (time + _SURGE))
    canvas = Canvas(np.zeros((height, round(height * WIDTH / HEIGHT), 3), np.uint8))
    light = Canvas(np.zeros_like(canvas.picture))
    first = int(view.place / _RING_SPACING)
    # From near to far: each farther opening is painted over the wall before it.
    for ring in range(first, int(_MOUTH / _RING_SPACING)):
        _tunnel_segment(canvas, light, view, ring)
    _tunnel_mouth(canvas, light, view)
    small = cv2.resize(light.picture, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    halo = cv2.GaussianBlur(small, (0, 0), 9 * canvas.scale)
    size = (canvas.picture.shape[1], canvas.picture.shape[0])
    return cv2.add(canvas.picture, cv2.resize(halo, size, interpolation=cv2.INTER_LINEAR)).astype(np.uint8, copy=False)


def _tunnel_segment(canvas: Canvas, light: Canvas, view: _View, ring: int) -> None:
    near, far = max(ring * _RING_SPACING, view.place), (ring + 1) * _RING_SPACING
    ahead = near - view.place
    fog = 1 - math.exp(-ahead / 34)
    phase = ring % _RINGS_PER_LAMP
    lit = (1.0, 0.55, 0.42, 0.72)[phase]
    wall = _mix((0, 0, 0), (206, 96, 62) if phase in (0, 3) else (150, 58, 74), 0.35 + 0.65 * lit)
    canvas.polygon(view.project(_arch(), near), _mix(wall, _NIGHT_BLUE, fog))
    panel = _mix(_mix(wall, (255, 190, 120), 0.16), _NIGHT_BLUE, fog)
    for angle in (0.35, 1.05, math.pi - 1.05 - 0.35, math.pi - 0.7):
        low, high = angle, angle + 0.35
        canvas.polygon(view.strip(_on_vault(low), _on_vault(high), near + 0.12, max(far - 0.12, near + 0.13)), panel)
    half_floor = math.sqrt(1.5**2 - _FLOOR**2)
    road = _mix(_mix((28, 22, 42), (92, 58, 70), lit * 0.6), _NIGHT_BLUE, fog)
    canvas.polygon(view.strip((-half_floor, _FLOOR), (half_floor, _FLOOR), near, far), road)
    paint = _mix((255, 226, 180), _NIGHT_BLUE, fog)
    for edge in (-1.12, 1.08):
        canvas.polygon(view.strip((edge, _FLOOR), (edge + 0.04, _FLOOR), near, far), paint)
    if ring % 2 == 0:
        canvas.polygon(view.strip((-0.035, _FLOOR), (0.035, _FLOOR), near, far), paint)
    if phase == 0 and ring * _RING_SPACING > view.place:
        thickness = min(26.0, 34 / (ahead + 0.3))
        lamp = view.project(_arch(), near)
        canvas.line(lamp, _mix((255, 232, 176), _NIGHT_BLUE, fog * 0.6), thickness)
        light.line(lamp, _mix((150, 96, 44), (0, 0, 0), fog), thickness * 1.6)


def _on_vault(angle: float) -> tuple[float, float]:
    return 1.49 * math.cos(angle), -1.49 * math.sin(angle)


def _tunnel_mouth(canvas: Canvas, light: Canvas, view: _View) -> None:
    outline = view.project(_arch(), _MOUTH)
    canvas.polygon(outline, _NIGHT_BLUE)
    size = _FOCAL_LENGTH / (_MOUTH - view.place)
    middle = view.project(np.zeros((1, 2)), _MOUTH)[0]
    for x, y in np.random.default_rng(17).uniform((-1.2, -1.3), (1.2, 0.2), (26, 2)):
        if math.hypot(x, y) < 1.35:
            canvas.ellipse(middle[0] + x * size, middle[1] + y * size, size * 0.016, size * 0.016, (226, 234, 255))
    moon = (middle[0] + 0.45 * size, middle[1] - 0.6 * size)
    canvas.ellipse(*moon, size * 0.2, size * 0.2, (250, 244, 222))
    light.polygon(outline, (26, 40, 64))


_NIGHT_SKY = (
    (0.0, (10.0, 16.0, 44.0)),
    (0.4, (22.0, 40.0, 84.0)),
    (0.68, (52.0, 92.0, 134.0)),
    (1.0, (84.0, 132.0, 158.0)),
)
_NIGHT_PINES = np.vstack((_group_of_pines(29, -20, 210, 9, 80, 190), _group_of_pines(37, 700, 1080, 11, 50, 130)))


def night(time: float, height: int) -> Picture:
    """The lake under stars, the camera panning slowly."""
    canvas = Canvas(_sky(height, _NIGHT_SKY).copy())
    _stars(canvas, time)
    moon_x, moon_y = 648 - 3 * time, 128
    canvas.glow(moon_x, moon_y, 250, (44, 52, 60))
    canvas.glow(moon_x, moon_y, 90, (60, 60, 54))
    canvas.ellipse(moon_x, moon_y, 38, 38, (246, 242, 222))
    for x, y, radius in ((-12, -8, 8), (10, 6, 11), (-6, 16, 5), (14, -17, 5)):
        canvas.ellipse(moon_x + x, moon_y + y, radius, radius, (228, 222, 200))
    _ridge(canvas, 53, 5, 500 + 5 * time, 372, 150, 400, (40, 70, 108))
    canvas.haze(290, 400, (96, 140, 162), 0.5)
    _ridge(canvas, 31, 4, 700 + 9 * time, 388, 92, 400, (26, 48, 82))
    canvas.haze(350, 400, (80, 124, 150), 0.4)
    canvas.mirror(392, time, (12, 24, 56), 0.36)
    _glitter(canvas, moon_x, time, (226, 232, 226), 0.75)
    _cabin(canvas, 800 - 18 * time, 503)
    _bank(canvas, 61, 18 * time, 556, 74, (8, 14, 34), _NIGHT_PINES)
    return canvas.picture


def _stars(canvas: Canvas, time: float) -> None:
    random = np.random.default_rng(41)
    for x, y, size, phase in zip(
        random.uniform(0, WIDTH + 30, 170),
        random.uniform(0, 1, 170) ** 1.4 * 330,
        random.uniform(0, 1, 170) ** 3,
        random.uniform(0, 6.3, 170),
        strict=True,
    ):
        shine = (0.55 + 0.45 * size) * (0.85 + 0.15 * math.sin(2.1 * time + phase))
        background = (22.0, 40.0, 84.0)
        radius = 0.9 + 1.2 * size
        canvas.ellipse(x - 3 * time, y, radius, radius, _mix(background, (240, 244, 255), shine))


def _cabin(canvas: Canvas, x: float, foot: float) -> None:
    wall: Colour = (14, 18, 36)
    canvas.polygon(np.array([[x, foot - 34], [x + 62, foot - 34], [x + 62, foot + 30], [x, foot + 30]]), wall)
    roof = [[x - 9, foot - 31], [x + 14, foot - 60], [x + 48, foot - 60], [x + 71, foot - 31]]
    canvas.polygon(np.array(roof), (6, 9, 22))
    canvas.polygon(np.array([[x + 44, foot - 72], [x + 52, foot - 72], [x + 52, foot - 50], [x + 44, foot - 50]]), wall)
    for left in (12, 38):
        pane = [[x + left, foot - 22], [x + left + 13, foot - 22], [x + left + 13, foot - 7], [x + left, foot - 7]]
        canvas.polygon(np.array(pane), (255, 206, 120))
        canvas.glow(x + left + 6.5, foot - 14, 46, (84, 54, 18))


SCENES: tuple[Callable[[float, int], Picture], ...] = (dawn, ball, tunnel, night)


def frames(scene_seconds: float = SCENE_SECONDS, height: int = HEIGHT) -> Iterator[Picture]:
    """The film's pictures in order, `FRAME_RATE` a second; a shorter `scene_seconds` shows each scene's beginning."""
    for scene in SCENES:
        for index in range(round(scene_seconds * FRAME_RATE)):
            yield scene(index / FRAME_RATE, height)


def draw_sample_clip(path: Path, scene_seconds: float = SCENE_SECONDS, height: int = HEIGHT) -> None:
    """Write the film to `path` as MP4.

    Parameters
    ----------
    scene_seconds
        Length of each of the four scenes, at most 5 s (what the scenes are drawn for).
    height
        Of the picture, in pixels, a multiple of 18 so that the width, 16/9 of it, is even too.
    """
    if not 0 < scene_seconds <= SCENE_SECONDS:
        raise ValueError(f"scene_seconds must lie above 0 and not above {SCENE_SECONDS:g}, not {scene_seconds}")
    if height <= 0 or height % 18:
        raise ValueError(f"height must be a multiple of 18, not {height}")
    n_frame = len(SCENES) * round(scene_seconds * FRAME_RATE)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with av.open(str(unfinished), "w", format="mp4") as container:
            stream = _video_stream(container, height)
            for picture in tqdm(frames(scene_seconds, height), "drawing", n_frame, unit="frame", disable=None):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _video_stream(container: av.container.OutputContainer, height: int) -> av.VideoStream:
    try:
        # One thread, so that the film does not depend on the number of processors. The bytes of two films may
        # differ all the same: on some processors libx264's machine code rounds now and then otherwise.
        options = {"crf": "20", "preset": "veryfast", "threads": "1"}
        stream = container.add_stream("libx264", rate=Fraction(FRAME_RATE), options=options)
    except (ValueError, av.FFmpegError):
        print("this build of FFmpeg has no H.264 encoder: writing MPEG-4 Part 2 instead")
        stream = container.add_stream("mpeg4", rate=Fraction(FRAME_RATE), options={"qscale": "3"})
    stream.width, stream.height = round(height * WIDTH / HEIGHT), height
    stream.pix_fmt = "yuv420p"
    return stream


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the sample clip, a silent film of 20 s at 120 BPM.")
    parser.add_argument("out", type=Path, metavar="OUT.mp4")
    draw_sample_clip(parser.parse_args().out)


if __name__ == "__main__":
    main()
