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
    edge = np.float32(-1e-5)
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
                if wa < edge or wb < edge or wc < edge:
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
def before(screen, depth, bias):
    """Which strands [n, k, 3] (px) have a point before `depth` [h, w]: bool [n]."""
    h, w = depth.shape
    out = np.zeros(len(screen), np.bool_)
    for n in range(len(screen)):
        for s in range(screen.shape[1]):
            x, y = screen[n, s, 0], screen[n, s, 1]
            if x >= 0 and y >= 0 and x < w and y < h and screen[n, s, 2] + bias > depth[int(y), int(x)]:
                out[n] = True
                break
    return out


@fast
def strands(screen, colours, widths, order, picture, cover, depth, bias, opacity):
    """Draws strands [n, k, 3] (px) with widths [n] px over `picture` and `cover` [h, w], in place, but for what lies behind `depth`.

    `order` [m] names those to draw, the nearest last; `colours` [m, k, 3] are theirs.
    A segment covers what lies within half its width, with a soft edge of one px.
    """
    h, w = depth.shape
    k = screen.shape[1]
    half_px, one, far = np.float32(0.5), np.float32(1), np.float32(1e9)
    taper = np.empty(k - 1, np.float32)
    for s in range(k - 1):
        t = (s + 0.5) / (k - 1)
        taper[s] = 0.5 * min(1.0, 0.45 + 6 * t, 0.30 + 2.6 * (1 - t))
    for m in range(len(order)):
        n = order[m]
        for s in range(k - 1):
            ax, ay, bx, by = screen[n, s, 0], screen[n, s, 1], screen[n, s + 1, 0], screen[n, s + 1, 1]
            z = (screen[n, s, 2] + screen[n, s + 1, 2]) * half_px + bias
            pale, half = opacity, widths[n] * taper[s]
            if half < half_px:
                pale, half = opacity * half * 2, half_px
            reach = half + half_px
            x0, x1 = max(int(np.floor(min(ax, bx) - reach)), 0), min(int(np.ceil(max(ax, bx) + reach)), w - 1)
            y0, y1 = max(int(np.floor(min(ay, by) - reach)), 0), min(int(np.ceil(max(ay, by) + reach)), h - 1)
            dx, dy = bx - ax, by - ay
            length = dx * dx + dy * dy
            if x1 < x0 or y1 < y0 or length < 1e-12:
                continue
            wanted = False  # most of what lies on the other side is known by three places
            for place in range(3):
                i, j = int(ax + dx * half_px * place), int(ay + dy * half_px * place)
                if i < 0 or j < 0 or i >= w or j >= h or z > depth[j, i]:
                    wanted = True
                    break
            if not wanted:
                continue
            inverse = one / np.sqrt(length)
            part = inverse * inverse
            over = np.float32(0.6) * half * inverse if half > 1.5 else np.float32(0)  # thick ones open at a bend
            r, g, b = colours[m, s, 0], colours[m, s, 1], colours[m, s, 2]
            dr, dg, db = colours[m, s + 1, 0] - r, colours[m, s + 1, 1] - g, colours[m, s + 1, 2] - b
            # a row's columns lie in a band along the segment and in one across it: its middle there, and half its width
            flat, steep = abs(dy) * inverse < 1e-3, abs(dx) * inverse < 1e-3
            along_x, across_x = np.float32(0) if flat else one / dy, np.float32(0) if steep else one / dx
            along_wide = far if flat else reach * length * inverse * abs(along_x) + np.float32(0.01)
            across_wide = far if steep else length * (half_px + over) * abs(across_x) + np.float32(0.01)
            for y in range(y0, y1 + 1):
                py = np.float32(y) + half_px - ay
                one_band, other = py * dx * along_x, (length * half_px - py * dy) * across_x
                low, high = max(one_band - along_wide, other - across_wide), min(one_band + along_wide, other + across_wide)
                low, high = max(low + ax - half_px, np.float32(x0)), min(high + ax - half_px, np.float32(x1))
                for x in range(int(np.ceil(low)), int(np.floor(high)) + 1):
                    px = np.float32(x) + half_px - ax
                    along = (px * dx + py * dy) * part
                    a = min(one, reach - abs(px * dy - py * dx) * inverse)
                    if a <= 0 or along < -over or along > one + over or z <= depth[y, x]:  # the segment beside it covers the joint
                        continue
                    a *= pale
                    picture[y, x, 0] += (r + dr * along - picture[y, x, 0]) * a
                    picture[y, x, 1] += (g + dg * along - picture[y, x, 1]) * a
                    picture[y, x, 2] += (b + db * along - picture[y, x, 2]) * a
                    cover[y, x] += (one - cover[y, x]) * a


@fast
def laid(above, mask, picture):
    """A picture [h, w, c] over another as far as `mask` [h, w] says, in place."""
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            a = mask[y, x]
            if a > 0:
                for c in range(picture.shape[2]):
                    picture[y, x, c] += (above[y, x, c] - picture[y, x, c]) * a


@fast
def dimmed(picture, shade, but):
    """A picture [h, w, c] less its share `shade` [h, w] where `but` [h, w] is 0, none of it where that is 1, in place."""
    for y in range(shade.shape[0]):
        for x in range(shade.shape[1]):
            left = 1 - shade[y, x] * (1 - but[y, x])
            for c in range(picture.shape[2]):
                picture[y, x, c] *= left


@fast
def scattered(above, mask, where, flat):
    """Pixels [n, c] over those of a flat picture [m, c] that `where` [n] names, as far as `mask` [n] says, in place."""
    for n in range(len(where)):
        for c in range(flat.shape[1]):
            flat[where[n], c] += (above[n, c] - flat[where[n], c]) * mask[n]


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
    scale = np.float32(last * last / most)
    for k in range(len(values)):
        if values[k] <= 0:
            out[k] = curve[0]
            continue
        at = np.sqrt(min(values[k], most) * scale)
        i = min(int(at), last - 1)
        out[k] = curve[i] + (curve[i + 1] - curve[i]) * (at - i)


_CURVE = srgb(film(np.linspace(0, 1, 4096, dtype=np.float32) ** 2 * 2))  # over the root of the light, so that the dark is fine


def toned(light: np.ndarray) -> np.ndarray:
    """Linear light as sRGB 0..255 float32, through the film's shoulder."""
    light = np.ascontiguousarray(light)
    out = np.empty_like(light)
    looked_up(light.reshape(-1), _CURVE, np.float32(2.0), out.reshape(-1))
    return out
