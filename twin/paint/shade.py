"""What shaders.js says, for the processor: triangles of a picture's mesh, and the patches behind its holes, pixel by pixel.

The functions are compiled by Numba at their first call and kept on disk; they release the interpreter's lock. Pictures are uint8 [h, w, 4],
colours premultiplied by alpha; the canvas is uint8 [h, w, 3], opaque. Places are px of the canvas unless said otherwise. A change here is a
change in shaders.js.
"""
from __future__ import annotations

from math import exp, floor, sin, sqrt

import numpy as np
from numba import njit

fast = njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
TINY = 1e-7


@fast
def step(a, b, x):
    """GLSL's smoothstep."""
    t = min(max((x - a) / (b - a), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@fast
def mix(a, b, t):
    return a + (b - a) * t


@fast
def fetch(picture, x, y):
    """Bilinear, clamped to the edge; x, y in texels, 0 at the middle of the first. Returns r, g, b, a 0..255."""
    h, w = picture.shape[:2]
    x = min(max(x, 0.0), w - 1.001)
    y = min(max(y, 0.0), h - 1.001)
    i, j = int(x), int(y)
    fx, fy = x - i, y - j
    a, b, c, d = (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy
    n = min(i + 1, w - 1)
    m = min(j + 1, h - 1)
    return (picture[j, i, 0] * a + picture[j, n, 0] * b + picture[m, i, 0] * c + picture[m, n, 0] * d,
            picture[j, i, 1] * a + picture[j, n, 1] * b + picture[m, i, 1] * c + picture[m, n, 1] * d,
            picture[j, i, 2] * a + picture[j, n, 2] * b + picture[m, i, 2] * c + picture[m, n, 2] * d,
            picture[j, i, 3] * a + picture[j, n, 3] * b + picture[m, i, 3] * c + picture[m, n, 3] * d)


@fast
def put(canvas, y, x, r, g, b, keep):
    """Colours 0..255, premultiplied, over what is there; keep = 1 - alpha."""
    canvas[y, x, 0] = int(min(max(r + canvas[y, x, 0] * keep, 0.0), 255.0) + 0.5)
    canvas[y, x, 1] = int(min(max(g + canvas[y, x, 1] * keep, 0.0), 255.0) + 0.5)
    canvas[y, x, 2] = int(min(max(b + canvas[y, x, 2] * keep, 0.0), 255.0) + 0.5)


@fast
def run(canvas, words, across, at, count, u, v, lit, du, dv, dl):
    """A row of plain skin, from byte `at` of the flat canvas on, `count` pixels: texels u, v and light (in 65536ths) along it. Both pictures
    are flat, `across` texels in a row; two channels at a time in one integer, places in 65536ths of a texel."""
    high = len(words) // across
    x, y, dx, dy = int(u * 65536.0), int(v * 65536.0), int(du * 65536.0), int(dv * 65536.0)
    x_most, y_most = ((across - 1) << 16) - 1, ((high - 1) << 16) - 1
    inside = 0 <= x <= x_most and 0 <= y <= y_most and 0 <= x + dx * count <= x_most and 0 <= y + dy * count <= y_most
    even, eight, sixteen, low = np.uint64(0x00FF00FF), np.uint64(8), np.uint64(16), np.uint64(0xFFFF)
    bright, more = int(lit), int(dl)
    even_light = bright == 65536 and more == 0
    o = np.uint64(at)
    for _ in range(count):
        i, j = x, y
        if not inside:
            i, j = min(max(x, 0), x_most), min(max(y, 0), y_most)
        k = np.uint64((j >> 16) * across + (i >> 16))
        p, q = np.uint64(words[k]), np.uint64(words[k + np.uint64(1)])
        m, n = np.uint64(words[k + np.uint64(across)]), np.uint64(words[k + np.uint64(across + 1)])
        if (p | q | m | n) != np.uint64(0):
            fx, fy = (i >> 8) & 255, (j >> 8) & 255
            both = (fx * fy) >> 8
            d, b, c = np.uint64(both), np.uint64(fx - both), np.uint64(fy - both)
            a = np.uint64(256 - fx - fy + both)
            rb = (p & even) * a + (q & even) * b + (m & even) * c + (n & even) * d
            ga = ((p >> eight) & even) * a + ((q >> eight) & even) * b + ((m >> eight) & even) * c + ((n >> eight) & even) * d
            red, blue, green, alpha = np.int64(rb & low), np.int64(rb >> sixteen), np.int64(ga & low), np.int64(ga >> sixteen)
            if not even_light:
                red, green, blue = (red * bright) >> 16, (green * bright) >> 16, (blue * bright) >> 16
            if alpha < 65280:
                keep = 65280 - alpha
                red += (canvas[o] * keep + 127) // 255
                green += (canvas[o + np.uint64(1)] * keep + 127) // 255
                blue += (canvas[o + np.uint64(2)] * keep + 127) // 255
            canvas[o] = min((red + 128) >> 8, 255)
            canvas[o + np.uint64(1)] = min((green + 128) >> 8, 255)
            canvas[o + np.uint64(2)] = min((blue + 128) >> 8, 255)
        o += np.uint64(3)
        x += dx
        y += dy
        bright += more


@fast
def edges(ax, ay, bx, by, cx, cy):
    """By how much each edge reaches further: left and top ones belong to their triangle, so no pixel is drawn twice or left out."""
    return (-TINY if (by == cy and cx > bx) or cy < by else TINY, -TINY if (cy == ay and ax > cx) or ay < cy else TINY,
            -TINY if (ay == by and bx > ax) or by < ay else TINY)


@fast
def row(x0, x1, ea, eb, ec, da, db, dc):
    """The first and the last pixel of a triangle between x0 and x1 (none: the first lies beyond x1), and its edge functions at the first.
    `ea`, `eb`, `ec`: the edge functions at x0, `da`, `db`, `dc` their steps."""
    first = x0
    if x1 - x0 > 12:                                     # a wide one: near its first pixel at once
        for e, d in ((ea, da), (eb, db), (ec, dc)):
            if d > 0.0 and e < 0.0:
                first = max(first, x0 + int(-e / d - 0.01))
        far = float(first - x0)
        ea, eb, ec = ea + da * far, eb + db * far, ec + dc * far
    while first <= x1 and min(ea, eb, ec) < 0.0:
        ea, eb, ec, first = ea + da, eb + db, ec + dc, first + 1
    last = first
    la, lb, lc = ea + da, eb + db, ec + dc
    while last < x1 and min(la, lb, lc) >= 0.0:          # a row of a triangle has no holes
        la, lb, lc, last = la + da, lb + db, lc + dc, last + 1
    return first, last, ea, eb, ec


@fast
def softened(picture, portrait, u, v):
    """`fetch` from the portrait blurred, at texel u, v of the sharp one."""
    return fetch(picture, (u + 0.5) * (picture.shape[1] / portrait.shape[1]) - 0.5, (v + 0.5) * (picture.shape[0] / portrait.shape[0]) - 0.5)


@fast
def grain(fine, even):
    """Pores, freckles or cracked paint: how much brighter than its surroundings."""
    return min(max(fine / max(even, 10.2), 0.72), 1.22)


@fast
def covered(r, g, b, alpha, u, v, k, m, portrait, near, above, wide, lid, fold):
    """The colour of an upper lid that is shut by `m`; k 0 at its fold .. 1 at its rim."""
    nr, ng, nb, na = softened(near, portrait, u, v + (1.05 - 0.38 * k) * wide)
    across = 0.91 + 0.07 * step(0.4, 0.9, k) - 0.12 * step(0.88, 1.0, k)     # a lid is round
    na = max(na / 255.0, 0.2)
    lr, lg, lb = mix(lid[0], nr / na, 0.65) * across, mix(lid[1], ng / na, 0.65) * across, mix(lid[2], nb / na, 0.65) * across
    if fold[2] > 0.0:                                    # a photograph: the skin between this lid and its brow, and the cheek's grain
        nr, ng, nb, na = softened(above, portrait, u, v - (k - 0.25) * 0.24 * wide)
        bright = (0.97 - 0.10 * step(0.80, 1.0, k)) / max(na / 255.0, 0.2)
        cheek = v + (0.95 + 0.30 * k) * wide
        fr, fg, fb, _ = fetch(portrait, u, cheek)
        er, eg, eb, _ = softened(near, portrait, u, cheek)
        lr = mix(lr, nr * bright, 0.35) * grain(fr, er)
        lg = mix(lg, ng * bright, 0.35) * grain(fg, eg)
        lb = mix(lb, nb * bright, 0.35) * grain(fb, eb)
    over = (1.0 - fold[2] * exp(-((k - 0.50) / 0.09) ** 2)) * alpha / 255.0
    return mix(r, lr * over, m), mix(g, lg * over, m), mix(b, lb * over, m)


@fast
def wetted(r, g, b, u, v, lip, apart, portrait, wet, unit):
    """The colour of a lip's inner edge: the dark line between closed lips opens into wet red."""
    edge = abs(lip)
    tr, tg, tb, _ = softened(wet, portrait, u, v + (0.050 if lip > 0.0 else -0.050) * edge * unit)
    m = step(0.05, 0.75, edge) * apart * 0.9
    return mix(r, tr * (1.0 - edge * edge * 0.20), m), mix(g, tg * (1.0 - edge * edge * 0.36), m), mix(b, tb * (1.0 - edge * edge * 0.34), m)


@fast
def skin(canvas, places, texels, kind, triangles, portrait, words, near, above, wet, view, shut_left, shut_right, apart, lid, fold):
    """Draws the triangles. `places` [m, 3] x, y and change of light; `texels` [m, 2] of `portrait`; `kind` [m, 3] alpha, lid, lip;
    `words`: `portrait` as one uint32 a pixel, flat; `near`, `above` and `wet`: the portrait blurred as lids and inner lips want it; `view`: how many
    texels of `portrait` the width of an eye and the distance of the irises are; `lid` 0..255; `fold` [3]: from where to where
    above the lid its cover comes in, and how dark its crease is."""
    width, flat = canvas.shape[1], canvas.ravel()
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = places[a, 0], places[a, 1], places[b, 0], places[b, 1], places[c, 0], places[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0:
            continue
        if area < 0.0:                                   # the other way round
            b, c = c, b
            bx, by, cx, cy = cx, cy, bx, by
            area = -area
        y0 = max(0, int(floor(min(ay, by, cy) + 0.5)))
        y1 = min(canvas.shape[0] - 1, int(floor(max(ay, by, cy) - 0.5)))
        x0 = max(0, int(floor(min(ax, bx, cx) + 0.5)))
        x1 = min(width - 1, int(floor(max(ax, bx, cx) - 0.5)))
        if y1 < y0 or x1 < x0:
            continue
        own_a, own_b, own_c = edges(ax, ay, bx, by, cx, cy)
        inv = 1.0 / area
        plain = kind[a, 0] == 1.0 and kind[b, 0] == 1.0 and kind[c, 0] == 1.0 and (
            kind[a, 1] == 0.0 and kind[b, 1] == 0.0 and kind[c, 1] == 0.0 and kind[a, 2] == 0.0 and kind[b, 2] == 0.0 and kind[c, 2] == 0.0)
        da, db, dc = by - cy, cy - ay, ay - by           # of the edge functions, along a row
        du = (da * texels[a, 0] + db * texels[b, 0] + dc * texels[c, 0]) * inv
        dv = (da * texels[a, 1] + db * texels[b, 1] + dc * texels[c, 1]) * inv
        dl = 65536.0 * (da * places[a, 2] + db * places[b, 2] + dc * places[c, 2]) * inv
        px, py = x0 + 0.5, y0 + 0.5
        ra = (cx - bx) * (py - by) - (cy - by) * (px - bx) - own_a
        rb = (ax - cx) * (py - cy) - (ay - cy) * (px - cx) - own_b
        rc = (bx - ax) * (py - ay) - (by - ay) * (px - ax) - own_c
        for y in range(y0, y1 + 1):
            first, last, ea, eb, ec = row(x0, x1, ra, rb, rc, da, db, dc)
            ra, rb, rc = ra + (cx - bx), rb + (ax - cx), rc + (bx - ax)
            if first > x1:
                continue
            wa, wb, wc = (ea + own_a) * inv, (eb + own_b) * inv, (ec + own_c) * inv
            if plain:
                u = wa * texels[a, 0] + wb * texels[b, 0] + wc * texels[c, 0]
                v = wa * texels[a, 1] + wb * texels[b, 1] + wc * texels[c, 1]
                lit = 65536.0 * (1.0 + wa * places[a, 2] + wb * places[b, 2] + wc * places[c, 2])
                run(flat, words, portrait.shape[1], (y * width + first) * 3, last - first + 1, u, v, lit, du, dv, dl)
                continue
            for x in range(first, last + 1):
                far = float(x - first)
                wa, wb, wc = (ea + own_a + da * far) * inv, (eb + own_b + db * far) * inv, (ec + own_c + dc * far) * inv
                u = wa * texels[a, 0] + wb * texels[b, 0] + wc * texels[c, 0]
                v = wa * texels[a, 1] + wb * texels[b, 1] + wc * texels[c, 1]
                r, g, bl, al = fetch(portrait, u, v)
                if al < 0.5:
                    continue
                part = wa * kind[a, 1] + wb * kind[b, 1] + wc * kind[c, 1]
                if part != 0.0:
                    k = abs(part)
                    m = step(fold[0], fold[1], k) * step(0.04, 0.24, shut_left if part < 0.0 else shut_right) * (1.0 - 0.6 * step(0.975, 1.0, k))
                    if m > 0.0:
                        r, g, bl = covered(r, g, bl, al, u, v, k, m, portrait, near, above, view[0], lid, fold)
                lip = wa * kind[a, 2] + wb * kind[b, 2] + wc * kind[c, 2]
                if lip != 0.0 and apart > 0.0:
                    r, g, bl = wetted(r, g, bl, u, v, lip, apart, portrait, wet, view[1])
                lit = 1.0 + wa * places[a, 2] + wb * places[b, 2] + wc * places[c, 2]
                soft = wa * kind[a, 0] + wb * kind[b, 0] + wc * kind[c, 0]
                put(canvas, y, x, r * lit * soft, g * lit * soft, bl * lit * soft, 1.0 - al / 255.0 * soft)


@fast
def curve(line, x):
    """y of a contour [n, 2] (x ascending) at x."""
    y = line[0, 1]
    for k in range(line.shape[0] - 1):
        t = min(max((x - line[k, 0]) / max(line[k + 1, 0] - line[k, 0], 0.01), 0.0), 1.0)
        y += (line[k + 1, 1] - y) * t
    return y


@fast
def eye(canvas, white, iris, origin, frame, box, width, rest, gaze, upper, lower, lamp, glint, back):
    """One eyeball behind its lids. `frame` [4]: local px (of the portrait) to px of the canvas; `back` [4] the other way; `box` local;
    `rest` x, y, radius of the iris; `gaze` [3, 3]; `lamp` [2] unit; `glint`: brightness of the light in the eye."""
    x0, y0, x1, y1 = reach(canvas, origin, frame, box)
    for y in range(y0, y1):
        for x in range(x0, x1):
            lx, ly, here = local(origin, back, box, x, y)
            if not here:
                continue
            u = min(max(0.5 + lx / (2.0 * width), 0.004), 0.996)
            v = min(max(0.5 + ly / (2.0 * width), 0.004), 0.996)
            r, g, b, a = fetch(white, u * white.shape[1] - 0.5, v * white.shape[0] - 0.5)
            a = max(a / 255.0, 0.1) * 255.0
            r, g, b = r / a, g / a, b / a
            radius = rest[2] * 2.05
            px, py = (lx - rest[0]) / radius, (ly - rest[1]) / radius
            r2 = px * px + py * py
            pz = sqrt(max(0.0, 1.0 - r2))
            qx = gaze[0, 0] * px + gaze[0, 1] * py + gaze[0, 2] * pz
            qy = gaze[1, 0] * px + gaze[1, 1] * py + gaze[1, 2] * pz
            qz = gaze[2, 0] * px + gaze[2, 1] * py + gaze[2, 2] * pz
            ox, oy = qx * 2.05, qy * 2.05
            away = sqrt(ox * ox + oy * oy)
            if qz > 0.0 and r2 < 1.0:
                tu, tv = min(max(0.5 + ox * 0.46875, 0.0), 1.0), min(max(0.5 + oy * 0.46875, 0.0), 1.0)
                ir, ig, ib, ia = fetch(iris, tu * iris.shape[1] - 0.5, tv * iris.shape[0] - 0.5)
                ia /= 255.0
                dark = (1.0 - 0.25 * step(1.18, 0.98, away) * (1.0 - ia)) * (1.0 - ia)
                r, g, b = ir / 255.0 + r * dark, ig / 255.0 + g * dark, ib / 255.0 + b * dark
            top, bottom = curve(upper, lx), curve(lower, lx)
            shade = 0.26 * (1.0 - step(0.0, 0.15 * width, ly - top)) + 0.08 * (1.0 - step(0.0, 0.05 * width, bottom - ly))
            side = abs(lx) / (0.5 * width)
            shade = min(shade + 0.10 * step(0.6, 1.05, side), 0.85)
            r, g, b = r * (1.0 - shade * 0.92), g * (1.0 - shade), b * (1.0 - shade)
            if bottom >= ly:
                wet = step(0.030 * width, 0.006 * width, bottom - ly) * step(0.95, 0.5, side)
                r, g, b = r + 0.16 * wet, g + 0.13 * wet, b + 0.12 * wet
            sx, sy = lx - rest[0] - lamp[0] * rest[2] * 0.46, ly - rest[1] - lamp[1] * rest[2] * 0.46
            size = rest[2] * 0.17
            lit = step(size * 1.25, size * 0.7, sqrt(sx * sx + 0.81 * sy * sy))
            hx, hy = lx - rest[0] + lamp[0] * rest[2] * 0.48, ly - rest[1] + lamp[1] * rest[2] * 0.48
            second = 0.30 * step(size * 0.9, size * 0.3, sqrt(hx * hx + hy * hy))
            spark = (lit * 0.92 + second) * step(0.0, 0.03 * width, ly - top) * step(1.25, 0.9, away)
            put(canvas, y, x, 255.0 * mix(r, glint, spark), 255.0 * mix(g, glint, spark), 255.0 * mix(b, glint, spark), 0.0)


@fast
def reach(canvas, origin, frame, box):
    """The rows and columns of the canvas that a patch covers: x0, y0, x1, y1, the last ones outside."""
    x0 = y0 = 1e9
    x1 = y1 = -1e9
    for k in range(4):
        bx, by = box[0] if k & 1 else box[2], box[1] if k & 2 else box[3]
        x, y = origin[0] + frame[0] * bx + frame[2] * by, origin[1] + frame[1] * bx + frame[3] * by
        x0, x1, y0, y1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y)
    h, w = canvas.shape[:2]
    return max(0, int(x0)), max(0, int(y0)), min(w, int(x1) + 1), min(h, int(y1) + 1)


@fast
def local(origin, back, box, x, y):
    """Where a pixel of the canvas lies in a patch, local px, and whether that is within its box."""
    dx, dy = x + 0.5 - origin[0], y + 0.5 - origin[1]
    lx, ly = back[0] * dx + back[2] * dy, back[1] * dx + back[3] * dy
    return lx, ly, box[0] <= lx <= box[2] and box[1] <= ly <= box[3]


@fast
def teeth_at(picture, px, py, width, edge):
    """A row of teeth: colour 0..1 (straight) and alpha; px, py from the middle of its edge, local px."""
    wide = width * 1.2
    u, v = px / wide + 0.5, edge + py / (wide * 0.25)
    if u < 0.004 or u > 0.996 or v < 0.01 or v > 0.99:
        return 0.0, 0.0, 0.0, 0.0
    r, g, b, a = fetch(picture, u * picture.shape[1] - 0.5, v * picture.shape[0] - 0.5)
    solid = max(a, 2.55)
    return r / solid, g / solid, b / solid, a / 255.0


@fast
def tongue_at(x, y, unit, raised, tongue, jaw, inside):
    """The tongue's colour 0..1 and alpha."""
    lift, far = raised * (0.10 * unit + 0.35 * jaw[1]), tongue * 0.26 * unit
    dx = (x - jaw[0] * 0.9) / (0.275 * unit - 0.035 * unit * max(raised, tongue))
    dy = (y - (jaw[1] * 0.78 + 0.115 * unit - lift + far * 0.5)) / (0.135 * unit + 0.13 * jaw[1] + lift * 0.3 + far * 0.75)
    dx *= 1.0 + 0.18 * max(dy, 0.0) * tongue
    e = sqrt(dx * dx + dy * dy)
    groove = exp(-(dx * 5.0) ** 2) * step(0.95, 0.2, abs(dy))
    light = 0.60 + 0.42 * (1.0 - e * e) - 0.12 * groove + 0.12 * step(0.3, -0.6, dy) * (1.0 - tongue)
    back = 1.0 - tongue
    light *= mix(1.0, 0.66 + 0.34 * step(-1.0, 0.1, dy), back)      # it goes back into the dark
    alpha = step(1.03, mix(0.93, 0.68 + 0.25 * step(-0.9, 0.1, dy), back), e)
    return 0.74 * light * inside[0], 0.37 * light * inside[1], 0.35 * light * inside[2], alpha


@fast
def mouth(canvas, high_teeth, low_teeth, origin, frame, box, back, unit, width, raised, tongue, gap, jaw, bite, upper, lower, inside):
    """The inside of the mouth, behind the lips. `jaw` [2] local px; `bite` [2] edges of the teeth in their pictures, 0..1;
    `inside` [3]: the light that the picture has for what is inside."""
    x0, y0, x1, y1 = reach(canvas, origin, frame, box)
    half, middle = max(0.5 * (upper[10, 0] - upper[0, 0]), 1.0), 0.5 * (upper[10, 0] + upper[0, 0])
    lit = step(0.01 * unit, 0.20 * unit, gap)
    dr, dg, db = mix(0.60, 1.0, lit), mix(0.50, 1.0, lit), mix(0.47, 1.0, lit)
    for y in range(y0, y1):
        for x in range(x0, x1):
            lx, ly, here = local(origin, back, box, x, y)
            if not here:
                continue
            top, bottom = curve(upper, lx), curve(lower, lx)
            side = max(abs(lx) / (0.5 * width), abs(lx - middle) / half - 0.08)
            kr, kg, kb, ka = tongue_at(lx, ly, unit, raised, tongue, jaw, inside)
            deep = step(0.25, 1.0, min(max((ly - top) / max(bottom - top, 1.0), 0.0), 1.0))
            r, g, b = mix(0.10, 0.30, deep), mix(0.025, 0.085, deep), mix(0.03, 0.085, deep)
            m = step(0.35, 0.95, side) * 0.5
            r, g, b = mix(r, 0.33, m) * inside[0], mix(g, 0.11, m) * inside[1], mix(b, 0.10, m) * inside[2]
            if tongue < 0.5:
                m = mix(0.42, 0.92, step(0.02 * unit, 0.22 * unit, ly - top))
                r, g, b = mix(r, kr * m * dr, ka), mix(g, kg * m * dg, ka), mix(b, kb * m * db, ka)
            m = step(0.20, 0.92, side)                   # the row bends back into the cheeks
            rr, rg, rb = mix(1.0, 0.26, m), mix(1.0, 0.17, m), mix(1.0, 0.16, m)
            tr, tg, tb, ta = teeth_at(low_teeth, lx - jaw[0], ly - jaw[1] - 0.012 * unit, width, bite[1])
            m = step(0.0, 0.10 * unit, ly - top - 0.10 * unit)
            r = mix(r, tr * rr * dr * mix(0.62, 0.93, m), ta)
            g = mix(g, tg * rg * dg * mix(0.52, 0.90, m), ta)
            b = mix(b, tb * rb * db * mix(0.50, 0.88, m), ta)
            if tongue > 0.5:
                r, g, b = mix(r, kr, ka), mix(g, kg, ka), mix(b, kb, ka)
            tr, tg, tb, ta = teeth_at(high_teeth, lx, ly - 0.040 * unit, width, bite[0])
            m = step(0.0, 0.075 * unit, ly - top)
            r = mix(r, tr * rr * dr * mix(0.70, 1.0, m), ta)
            g = mix(g, tg * rg * dg * mix(0.60, 1.0, m), ta)
            b = mix(b, tb * rb * db * mix(0.57, 1.0, m), ta)
            m = step(-0.006 * unit, 0.030 * unit, ly - top)         # a soft dark edge under the lips
            r, g, b = r * mix(0.40, 1.0, m), g * mix(0.27, 1.0, m), b * mix(0.26, 1.0, m)
            m = max(step(-0.006 * unit, 0.036 * unit, bottom - ly), tongue * ka)
            r, g, b = r * mix(0.44, 1.0, m), g * mix(0.32, 1.0, m), b * mix(0.31, 1.0, m)
            put(canvas, y, x, 255.0 * r, 255.0 * g, 255.0 * b, 0.0)


@fast
def weights_at(p, q, r, x, y):
    """Barycentric weights of a pixel in the triangle p, q, r of points [.., 2], all negative outside."""
    area = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
    if area == 0.0:
        return -1.0, -1.0, -1.0
    a = ((r[0] - q[0]) * (y - q[1]) - (r[1] - q[1]) * (x - q[0])) / area
    b = ((p[0] - r[0]) * (y - r[1]) - (p[1] - r[1]) * (x - r[0])) / area
    c = 1.0 - a - b
    return (a, b, c) if a >= 0.0 and b > 0.0 and c > 0.0 else (-1.0, -1.0, -1.0)


@fast
def span(strip, t, shape):
    """Columns and rows of the canvas around triangle t of a strip."""
    p, q, r = strip[t], strip[t + 1], strip[t + 2]
    return (max(0, int(min(p[0], q[0], r[0]))), max(0, int(min(p[1], q[1], r[1]))),
            min(shape[1], int(max(p[0], q[0], r[0])) + 2), min(shape[0], int(max(p[1], q[1], r[1])) + 2))


@fast
def lick(canvas, strip, origin, back, unit, raised, tongue, jaw, inside):
    """A tongue that is out, over the lower lip: only on `strip` [n, 2]."""
    for t in range(strip.shape[0] - 2):
        x0, y0, x1, y1 = span(strip, t, canvas.shape)
        for y in range(y0, y1):
            for x in range(x0, x1):
                if weights_at(strip[t], strip[t + 1], strip[t + 2], x + 0.5, y + 0.5)[0] < 0.0:
                    continue
                ox, oy = x + 0.5 - origin[0], y + 0.5 - origin[1]
                r, g, b, a = tongue_at(back[0] * ox + back[2] * oy, back[1] * ox + back[3] * oy, unit, raised, tongue, jaw, inside)
                if a > 0.0:
                    put(canvas, y, x, 255.0 * r * a, 255.0 * g * a, 255.0 * b * a, 1.0 - a)


@fast
def chance(k):
    v = sin(k * 12.9898) * 43758.5453
    return v - floor(v)


@fast
def lashes(canvas, strip, strength, ink):
    """`strip` [n, 4]: x, y, along the lid 0..1, from root 0 to tip 1; `ink` 0..255."""
    for t in range(strip.shape[0] - 2):
        x0, y0, x1, y1 = span(strip, t, canvas.shape)
        for y in range(y0, y1):
            for x in range(x0, x1):
                wa, wb, wc = weights_at(strip[t], strip[t + 1], strip[t + 2], x + 0.5, y + 0.5)
                if wa < 0.0:
                    continue
                along = wa * strip[t, 2] + wb * strip[t + 1, 2] + wc * strip[t + 2, 2]
                up = wa * strip[t, 3] + wb * strip[t + 1, 3] + wc * strip[t + 2, 3]
                n = along * 46.0
                key = floor(n)
                far = up / (0.50 + 0.50 * chance(key))
                beside = abs(n - key - 0.5 + 0.5 * (chance(key + 31.0) - 0.5) * up)
                hair = step(0.10, -0.10, beside - 0.42 * (1.0 - far)) if far <= 1.0 else 0.0
                a = max(hair * 0.85, 1.0 - step(0.10, 0.30, up))
                a *= step(0.0, 0.06, along) * step(1.0, 0.90, along) * step(0.0, 0.08, up) * strength
                if a > 0.0:
                    put(canvas, y, x, ink[0] * a, ink[1] * a, ink[2] * a, 1.0 - a)
