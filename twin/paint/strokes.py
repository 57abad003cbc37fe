"""Compiled brushes of the quick painter: a z-buffer, values spread over what it saw, and strands of hair. They know nothing of faces.

Pictures are float32 [h, w, c], linear light. Depth is in px, larger is nearer, `FAR` where nothing is.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .canvas import film, srgb

FAR = np.float32(-1e9)
fast = njit(cache=True, nogil=True, fastmath=True, error_model="numpy")


@fast
def rasterise(screen, triangles, depth, seen, weights, cull):
    """Draws triangles [t, 3] over screen points float32 [n, 3] into depth [h, w], seen int32 [h, w] and weights [h, w, 2], in place.

    A front face is counter-clockwise where y points up. The third weight is one less the others.
    """
    h, w = depth.shape
    for t in range(triangles.shape[0]):
        a, b, c = screen[triangles[t, 0]], screen[triangles[t, 1]], screen[triangles[t, 2]]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        if area > -1e-9 and (cull or area < 1e-9):
            continue
        x0, x1 = max(0, int(np.ceil(min(a[0], b[0], c[0]) - 0.5))), min(w - 1, int(np.floor(max(a[0], b[0], c[0]) - 0.5)))
        y0, y1 = max(0, int(np.ceil(min(a[1], b[1], c[1]) - 0.5))), min(h - 1, int(np.floor(max(a[1], b[1], c[1]) - 0.5)))
        if x1 < x0 or y1 < y0:
            continue
        part = np.float32(1) / area
        for y in range(y0, y1 + 1):
            py = np.float32(y) + np.float32(0.5)
            for x in range(x0, x1 + 1):
                px = np.float32(x) + np.float32(0.5)
                wa = ((c[0] - b[0]) * (py - b[1]) - (c[1] - b[1]) * (px - b[0])) * part
                wb = ((a[0] - c[0]) * (py - c[1]) - (a[1] - c[1]) * (px - c[0])) * part
                wc = np.float32(1) - wa - wb
                if wa < -1e-5 or wb < -1e-5 or wc < -1e-5:
                    continue
                z = wa * a[2] + wb * b[2] + wc * c[2]
                if z > depth[y, x]:
                    depth[y, x] = z
                    seen[y, x] = t
                    weights[y, x, 0] = wa
                    weights[y, x, 1] = wb


@fast
def spread(values, triangles, seen, weights, out):
    """Values [n, c] of the points as a picture [h, w, c], in place where something was seen."""
    h, w = seen.shape
    for y in range(h):
        for x in range(w):
            t = seen[y, x]
            if t >= 0:
                wa, wb = weights[y, x, 0], weights[y, x, 1]
                wc = np.float32(1) - wa - wb
                i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                for c in range(values.shape[1]):
                    out[y, x, c] = wa * values[i, c] + wb * values[j, c] + wc * values[k, c]


@fast
def normals(points, triangles, out):
    """Unit normals [n, 3] of points [n, 3], weighted by area, in place."""
    out[:] = 0
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = points[j, 0] - points[i, 0], points[j, 1] - points[i, 1], points[j, 2] - points[i, 2]
        vx, vy, vz = points[k, 0] - points[i, 0], points[k, 1] - points[i, 1], points[k, 2] - points[i, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for m in (i, j, k):
            out[m, 0] += nx
            out[m, 1] += ny
            out[m, 2] += nz
    for m in range(len(out)):
        length = np.sqrt(out[m, 0] ** 2 + out[m, 1] ** 2 + out[m, 2] ** 2)
        if length > 0:
            out[m, 0] /= length
            out[m, 1] /= length
            out[m, 2] /= length


@fast
def splat(flat, cell, low_x, low_y, nearest):
    """The greatest third coordinate of points [n, 3] in each cell of `nearest` [n, n], in place: a shadow map of loose points."""
    n = nearest.shape[0]
    for k in range(len(flat)):
        i, j = int((flat[k, 0] - low_x) / cell), int((flat[k, 1] - low_y) / cell)
        if 0 <= i < n and 0 <= j < n and flat[k, 2] > nearest[j, i]:
            nearest[j, i] = flat[k, 2]


@fast
def strands(screen, colours, widths, order, picture, cover, depth, bias, front, opacity):
    """Draws strands [n, k, 3] (px) with colours [n, k, 3] and widths [n] px over `picture` and `cover` [h, w], in place.

    `front`: only what is before `depth`, nearest last as `order` says; otherwise only what is behind it.
    A segment covers what lies within half its width, with a soft edge of one px.
    """
    h, w = depth.shape
    k = screen.shape[1]
    for n in order:
        for s in range(k - 1):
            ax, ay, bx, by = screen[n, s, 0], screen[n, s, 1], screen[n, s + 1, 0], screen[n, s + 1, 1]
            z = (screen[n, s, 2] + screen[n, s + 1, 2]) * np.float32(0.5)
            t = (s + 0.5) / (k - 1)
            half = np.float32(widths[n] * 0.5 * min(1.0, 0.45 + 6 * t, 0.30 + 2.6 * (1 - t)))
            pale = np.float32(1)
            if half < 0.5:
                pale, half = half * 2, np.float32(0.5)
            reach = half + np.float32(0.5)
            x0, x1 = int(np.floor(min(ax, bx) - reach)), int(np.ceil(max(ax, bx) + reach))
            y0, y1 = int(np.floor(min(ay, by) - reach)), int(np.ceil(max(ay, by) + reach))
            if x1 < 0 or y1 < 0 or x0 >= w or y0 >= h:
                continue
            dx, dy = bx - ax, by - ay
            length = dx * dx + dy * dy
            if length < 1e-12:
                continue
            wanted = False  # most of what lies on the other side is known by three places
            for m in range(3):
                i, j = int(ax + dx * np.float32(0.5) * m), int(ay + dy * np.float32(0.5) * m)
                if i < 0 or j < 0 or i >= w or j >= h or (z + bias > depth[j, i]) == front:
                    wanted = True
                    break
            if not wanted:
                continue
            inverse = np.float32(1) / np.sqrt(length)
            over = np.float32(0.6) * half * inverse if half > 1.5 else np.float32(0)  # thick ones open at a bend
            for y in range(max(y0, 0), min(y1, h - 1) + 1):
                for x in range(max(x0, 0), min(x1, w - 1) + 1):
                    px, py = np.float32(x) + np.float32(0.5) - ax, np.float32(y) + np.float32(0.5) - ay
                    along = (px * dx + py * dy) / length
                    if along < -over or along > 1 + over:  # the segment beside it covers the joint
                        continue
                    away = abs(px * dy - py * dx) * inverse
                    a = min(np.float32(1), reach - away)
                    if a <= 0:
                        continue
                    ahead = z + bias > depth[y, x]
                    if ahead != front:
                        continue
                    a *= pale * opacity
                    for c in range(3):
                        tone = colours[n, s, c] + (colours[n, s + 1, c] - colours[n, s, c]) * along
                        picture[y, x, c] += (tone - picture[y, x, c]) * a
                    cover[y, x] += (1 - cover[y, x]) * a


@fast
def sample(maps, u, v, out):
    """Maps [m, n, c] read between their texels at columns `u` and rows `v` into out [c]."""
    m, n = maps.shape[0], maps.shape[1]
    u = min(max(u, 0.0), n - 1.001)
    v = min(max(v, 0.0), m - 1.001)
    i, j = int(u), int(v)
    fu, fv = np.float32(u - i), np.float32(v - j)
    for c in range(maps.shape[2]):
        top = maps[j, i, c] + (maps[j, i + 1, c] - maps[j, i, c]) * fu
        low = maps[j + 1, i, c] + (maps[j + 1, i + 1, c] - maps[j + 1, i, c]) * fu
        out[c] = top + (low - top) * fv


@fast
def looked_up(values, curve, most, out):
    """`curve` read at the roots of values 0..most, straight between its places, into out, in place."""
    last = len(curve) - 1
    for k in range(len(values)):
        v = values[k]
        at = np.sqrt(min(max(v, np.float32(0)), most) / most) * last
        i = min(int(at), last - 1)
        out[k] = curve[i] + (curve[i + 1] - curve[i]) * (at - i)


_CURVE = srgb(film(np.linspace(0, 1, 4096, dtype=np.float32) ** 2 * 2))  # over the root of the light, so that the dark is fine


def toned(light: np.ndarray) -> np.ndarray:
    """Linear light as sRGB 0..255 float32, through the film's shoulder."""
    light = np.ascontiguousarray(light)
    out = np.empty_like(light)
    looked_up(light.reshape(-1), _CURVE, np.float32(2.0), out.reshape(-1))
    return out
