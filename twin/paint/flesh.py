"""Light on a painted person's skin and eyes, pixel by pixel, compiled. Linear light; what each number means is told where it is read."""

from __future__ import annotations

import numpy as np

from .atlas import CHANNELS
from .strokes import fast, sample

(LIPS, BLUSH, HOLLOW, LID, BEARD, OIL, FRECKLES, LINE_X, LINE_Y, LINE, GROOVE, SEAM, NOSTRIL, WET, PORE, STUBBLE) = range(len(CHANNELS))
AMOUNTS = ("blush", "freckles", "hollow", "lid", "line", "groove", "mottle", "shine", "stubble", "wet", "spots")
(A_BLUSH, A_FRECKLES, A_HOLLOW, A_LID, A_LINE, A_GROOVE, A_MOTTLE, A_SHINE, A_STUBBLE, A_WET, A_SPOTS) = range(len(AMOUNTS))


@fast
def shade(
    seen, values, skins, balls, gaze, light, maps, grain, colours, amounts, lamps, ambient, shadow, frame, world_low, bias, soft, open_, arriving, base, gloss
):
    """Fills arriving [3, h, w], base and gloss [h, w, 3] where something was seen.

    `values` [h, w, 8]: normal, place in the world (dm), column and row of the maps. `skins`: triangles below this number are skin.
    `balls` [2, 5]: centre and radius of an eye, radius of its iris (rad). `gaze` [2, 3], `light` [3] towards the key lamp. `colours` [7, 3]: skin, lip, blush,
    shadow of the lid, hair in a beard, iris, white of the eye. `lamps` [k, 6]: direction, colour. `ambient` [2, 3]: from above, from below.
    `shadow` [n, n] and `frame` [3, 3], `world_low` [3] (x, y, cell): the key lamp's nearest surfaces. `open_` [h, w]: how open to the sky.
    """
    h, w = seen.shape
    n = shadow.shape[0]
    map_ = np.zeros(maps.shape[2], np.float32)
    taps = np.empty((4, 9, 2), np.float32)              # on a disc, turned from pixel to pixel
    for turned in range(4):
        for tap in range(9):
            radius, angle = np.sqrt((tap + 0.5) / 9) * soft, tap * 2.39996 + (turned & 1) * 0.8 + (turned >> 1) * 1.7
            taps[turned, tap, 0], taps[turned, tap, 1] = radius * np.cos(angle), radius * np.sin(angle)
    last = grain.shape[1] - 1                            # its size is a power of two
    turn = np.zeros(len(lamps), np.float32)
    between = np.zeros((len(lamps), 4), np.float32)      # the viewer and a lamp; what glances off at that angle (Schlick)
    for k in range(len(lamps)):
        hx, hy, hz = lamps[k, 0], lamps[k, 1], lamps[k, 2] + 1
        long = 1 / np.sqrt(hx * hx + hy * hy + hz * hz)
        between[k, 0], between[k, 1], between[k, 2] = hx * long, hy * long, hz * long
        between[k, 3] = 0.04 + 0.96 * (1 - min(max(hz * long, 0.0), 1.0)) ** 5
    direct = np.zeros(3, np.float32)
    wraps = np.array([0.28, 0.16, 0.12, 1 / 1.28, 1 / 1.16, 1 / 1.12], np.float32)  # how far light reaches round a place; what scales that to 1
    blushing = np.zeros(3, np.float32)
    for c in range(3):
        blushing[c] = colours[2, c] / max(colours[0, c], np.float32(1e-3)) - 1
    steps = 2048                                         # of openness, with what it leaves of the ambient light and of all
    bents = np.zeros((steps + 1, 4), np.float32)
    for i in range(steps + 1):
        reach = max(i / steps, 1e-3)
        bents[i, 0], bents[i, 1], bents[i, 2], bents[i, 3] = reach**0.95, reach**1.12, reach**1.20, reach**0.5
    for y in range(h):
        for x in range(w):
            t = seen[y, x]
            if t < 0:
                continue
            nx, ny, nz = values[y, x, 0], values[y, x, 1], values[y, x, 2]
            wx, wy, wz = values[y, x, 3], values[y, x, 4], values[y, x, 5]
            long = np.float32(1) / max(np.sqrt(nx * nx + ny * ny + nz * nz), np.float32(1e-6))
            nx, ny, nz = nx * long, ny * long, nz * long
            # how much of the key lamp reaches this place: nine taps on a disc
            fx = wx * frame[0, 0] + wy * frame[1, 0] + wz * frame[2, 0]
            fy = wx * frame[0, 1] + wy * frame[1, 1] + wz * frame[2, 1]
            fz = wx * frame[0, 2] + wy * frame[1, 2] + wz * frame[2, 2]
            lit = np.float32(0)
            turned = 2 * (y & 1) + (x & 1)
            for tap in range(9):
                i = min(max(int((fx - world_low[0]) / world_low[2] + taps[turned, tap, 0]), 0), n - 1)
                j = min(max(int((fy - world_low[1]) / world_low[2] + taps[turned, tap, 1]), 0), n - 1)
                lit += min(max((fz + bias - shadow[j, i]) / bias + np.float32(0.5), np.float32(0)), np.float32(1))
            lit /= 9
            open_here = open_[y, x]
            if t >= skins:  # an eye
                side = 0 if abs(wx - balls[0, 0]) < abs(wx - balls[1, 0]) else 1
                ex, ey, ez = wx - balls[side, 0], wy - balls[side, 1], wz - balls[side, 2]
                long = np.float32(1) / max(np.sqrt(ex * ex + ey * ey + ez * ez), np.float32(1e-6))
                ex, ey, ez = ex * long, ey * long, ez * long
                cosine = min(max(ex * gaze[side, 0] + ey * gaze[side, 1] + ez * gaze[side, 2], np.float32(-1)), np.float32(1))
                r = np.arccos(cosine) / balls[side, 4]
                dx, dy = ex - gaze[side, 0], ey - gaze[side, 1]
                angle = np.arctan2(dy, dx)
                ray = grain[1, int((angle + 3.2) * 80) & last, int(r * 26) & last] * 0.6 + grain[2, int((angle + 3.2) * 160) & last, int(r * 12) & last] * 0.5
                shade_ = min(np.float32(1), max(np.float32(0.30), np.float32(1.0) - max(np.float32(0), (ey - 0.18) * 2.2)))
                flat = (0.62 + 0.38 * max(np.float32(0), ex * light[0] + ey * light[1] + ez * light[2])) * (0.25 + 0.75 * open_here) * shade_
                for c in range(3):
                    white = colours[6, c] * (1.0 - 0.32 * min(np.float32(1), max(np.float32(0), (abs(ex - gaze[side, 0]) - 0.62) * 2.4)) * (c > 0))
                    iris = colours[5, c] * (1 + 0.28 * ray)
                    inner = np.exp(-(((r - 0.44) / 0.16) ** 2))
                    iris *= 1 + 0.55 * inner * (1.15 if c == 0 else 0.75 if c == 1 else 0.25)
                    iris *= 0.62 + 0.75 * min(max(0.5 - dy * 1.6, 0.0), 1.0)
                    rim = 1 / (1 + np.exp(-(r - 0.88) / 0.045))
                    iris = iris * (1 - 0.80 * rim)
                    pupil = 1 / (1 + np.exp((r - 0.36) / 0.03))
                    iris = iris * (1 - pupil) + 0.004 * pupil
                    inside = 1 / (1 + np.exp((r - 1.0) / 0.045))
                    base[y, x, c] = (white * (1 - inside) + iris * inside) * flat
                    arriving[c, y, x] = 0.92
                # catch lights: the key lamp above, a window of the fill below
                gx, gy = (dx - light[0] * 0.17) / 0.085, (dy - light[1] * 0.17) / 0.095
                spark = min(np.float32(1), max(np.float32(0), 2.3 * np.exp(-0.5 * (gx * gx + gy * gy)) - 0.8))
                gx, gy = (dx + light[0] * 0.15) / 0.09, (dy + 0.16) / 0.07
                faint = 0.10 * np.exp(-0.5 * (gx * gx + gy * gy))
                for c in range(3):
                    gloss[y, x, c] = spark * 0.95 + faint
                continue
            u, v = values[y, x, 6], values[y, x, 7]
            if 1 < u < maps.shape[1] - 2 and 1 < v < maps.shape[0] - 2:
                sample(maps, u, v, map_)
            else:  # neck, ears, the back of the head
                map_[:] = 0
                map_[OIL] = 0.5
            gu, gv = u * 0.9, v * 0.9
            big = grain[0, int(gv) & last, int(gu) & last]
            mid = grain[1, int(gv * 1.3 + 7) & last, int(gu * 1.3 + 11) & last]
            tiny = grain[2, int(gv * 1.7 + 3) & last, int(gu * 1.7 + 5) & last]
            mottle = amounts[A_MOTTLE] * (0.020 * big + 0.016 * mid)
            years = amounts[A_LINE]
            # lines turn the surface
            lean_x, lean_y = map_[LINE_X] * years, map_[LINE_Y] * years
            nx, ny = nx - 0.36 * lean_x, ny + 0.36 * lean_y
            long = np.float32(1) / np.sqrt(nx * nx + ny * ny + nz * nz)
            nx, ny, nz = nx * long, ny * long, nz * long
            direct[:] = 0
            for k in range(len(lamps)):
                turn[k] = nx * lamps[k, 0] + ny * lamps[k, 1] + nz * lamps[k, 2]
                for c in range(3):
                    wrapped = min(max((turn[k] + wraps[c]) * wraps[3 + c], np.float32(0)), np.float32(1))
                    direct[c] += wrapped * lamps[k, 3 + c] * (lit if k == 0 else np.float32(1))
            lips = map_[LIPS]
            red = min(map_[BLUSH], np.float32(1.3)) * amounts[A_BLUSH]
            spots = max(np.float32(0), mid - 1.35) * amounts[A_SPOTS] * 0.5
            hair = min(np.float32(0.75), map_[STUBBLE] * amounts[A_STUBBLE] * (0.85 + 0.25 * tiny))
            lid = map_[LID] * amounts[A_LID]
            dark = (1 - amounts[A_HOLLOW] * map_[HOLLOW]) * (1 - 0.30 * years * map_[LINE]) * (1 - 0.38 * amounts[A_GROOVE] * map_[GROOVE])
            sky = ny * 0.5 + 0.5
            at = int(open_here * steps + np.float32(0.5))
            for c in range(3):
                tone = colours[0, c] * (1 + mottle * (0.5 if c == 0 else 1.0 if c == 1 else 1.15))
                tone *= 1 + blushing[c] * red
                tone *= 1 - min(np.float32(0.6), map_[FRECKLES] * amounts[A_FRECKLES] + spots) * (0.20 if c == 0 else 0.38 if c == 1 else 0.48)
                tone *= 1 - (1 - dark) * (0.8 if c == 0 else 1.05 if c == 1 else 1.0)
                tone += (colours[3, c] - tone) * min(np.float32(0.75), lid)
                tone += (colours[4, c] * 0.8 - tone) * hair
                lip = colours[1, c] * (1 - 0.14 * max(np.float32(0), -map_[WET]) - 0.06 * tiny * lips)
                tone += (lip - tone) * lips * np.float32(0.9)
                tone *= 1 - map_[SEAM] * (0.80 if c == 0 else 0.92)
                tone *= 1 - map_[NOSTRIL] * (0.62 if c == 0 else 0.74)
                base[y, x, c] = tone
                come = (ambient[1, c] + (ambient[0, c] - ambient[1, c]) * sky) * bents[at, c]
                arriving[c, y, x] = come + direct[c] * bents[at, 3]
            # oil and lips
            oil = amounts[A_SHINE] * map_[OIL] * (1 - lips) * (1 - 0.7 * hair)
            for k in range(len(lamps)):
                peak = nx * between[k, 0] + ny * between[k, 1] + nz * between[k, 2] + 0.012 * map_[PORE]
                if peak <= 0 or turn[k] <= 0:
                    continue
                p2 = peak * peak
                p8 = p2 * p2 * p2 * p2
                p14, p38, p90 = p8 * p2 * p2 * p2, p8 * p8 * p8 * p8 * p2 * p2 * p2, p8**11
                strength = (
                    oil * (0.9 * p14 + 1.6 * p38) + lips * amounts[A_WET] * (0.5 * (0.9 * p14 + 1.6 * p38) + 0.9 * p90 * (0.6 + 0.6 * map_[WET]))
                ) * min(turn[k] * 4, np.float32(1))
                strength *= open_here * between[k, 3] * (lit if k == 0 else np.float32(1))
                for c in range(3):
                    gloss[y, x, c] += strength * lamps[k, 3 + c]
            graze = (1 - min(max(nz, np.float32(0)), np.float32(1))) ** 4 * 0.05 * amounts[A_SHINE] * open_here
            gloss[y, x, 0] += 0.9 * graze
            gloss[y, x, 1] += 0.95 * graze
            gloss[y, x, 2] += graze
