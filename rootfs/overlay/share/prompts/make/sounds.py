#!/usr/bin/env python3
"""The sounds without words: hold music that loops without a seam, and the beep of a seat.

Both are computed, so nobody's rights are in them. The music is written into a ring: what rings on
past the end is added at the beginning, so its last sample leads into its first.
"""

import math
import struct
import sys
import wave

RATE = 8000
MUSIC_S = 20
# Four bars; every note lies where a telephone carries it.
CHORDS = [
    [261.63, 329.63, 392.00, 493.88],  # C  major seventh
    [220.00, 329.63, 392.00, 523.25],  # A  minor seventh
    [261.63, 349.23, 440.00, 659.26],  # F  major seventh
    [246.94, 293.66, 392.00, 587.33],  # G
]
ORDER = [0, 2, 1, 3, 2, 1, 3, 2]
MUSIC_DBFS = -22
BEEP_HZ, BEEP_MS, BEEP_DBFS = 880, 180, -18


def pluck(ring, start, hz, seconds, gain):
    """A soft struck tone: three partials, a slow attack, a long decay."""
    for n in range(int(seconds * RATE)):
        t = n / RATE
        envelope = min(1.0, t / 0.015) * math.exp(-2.2 * t)
        tone = sum(
            level * math.sin(2 * math.pi * hz * k * t)
            for k, level in ((1, 1.0), (2, 0.25), (3, 0.08))
        )
        ring[(start + n) % len(ring)] += gain * envelope * tone


def pad(ring, start, hz, seconds, gain):
    """A held tone that swells and fades under the others."""
    count = int(seconds * RATE)
    for n in range(count):
        t = n / RATE
        envelope = math.sin(math.pi * n / count) ** 2
        tone = math.sin(2 * math.pi * hz * t) + math.sin(2 * math.pi * hz * 1.003 * t)
        ring[(start + n) % len(ring)] += gain * envelope * tone


def music():
    ring = [0.0] * (MUSIC_S * RATE)
    bar = len(ring) // len(CHORDS)
    step = bar // len(ORDER)
    for b, chord in enumerate(CHORDS):
        for hz in chord[:3]:
            pad(ring, b * bar - bar // 4, hz, 1.5 * bar / RATE, 0.10)
        for s, note in enumerate(ORDER):
            pluck(ring, b * bar + s * step, chord[note], 2.0, 0.35)
    return ring


def beep():
    count = RATE * BEEP_MS // 1000
    edge = RATE // 100
    return [
        min(1.0, n / edge, (count - n) / edge) * math.sin(2 * math.pi * BEEP_HZ * n / RATE)
        for n in range(count)
    ]


def write(path, samples, dbfs):
    rms = math.sqrt(sum(x * x for x in samples) / len(samples))
    gain = 10 ** (dbfs / 20) / rms
    top = max(abs(x) for x in samples) * gain
    assert top < 1.0, f"{path} would clip at {top:.2f}"
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(b"".join(struct.pack("<h", round(x * gain * 32767)) for x in samples))


def main():
    folder = sys.argv[1]
    write(f"{folder}/music.wav", music(), MUSIC_DBFS)
    write(f"{folder}/beep.wav", beep(), BEEP_DBFS)


main()
