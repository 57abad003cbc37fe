/**
 * GLSL of the five layers. All places are px of the portrait ("picture px"); `view` takes them to the screen.
 * Colours are premultiplied on output. Nothing here knows of weights or files.
 */

const HEAD = `#version 300 es
precision highp float;
`;

const VIEW = `uniform vec4 view;   // scale x, y and offset x, y from picture px to clip space
vec4 seen(vec2 p) { return vec4(p * view.xy + view.zw, 0.0, 1.0); }
`;

export const SCENE = {
  vertex: HEAD + `uniform vec4 cover;  // scale and offset of the background's texture
out vec2 uv;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  uv = corner * cover.xy + cover.zw;
  gl_Position = vec4(corner.x * 2.0 - 1.0, 1.0 - corner.y * 2.0, 0.0, 1.0);
}`,
  fragment: HEAD + `uniform sampler2D picture;
in vec2 uv;
out vec4 colour;
void main() { colour = vec4(texture(picture, uv).rgb, 1.0); }`,
};

export const SKIN = {
  vertex: HEAD + VIEW + `layout(location = 0) in vec2 rest;    // px in the portrait: where the texture is
layout(location = 1) in vec3 kind;     // alpha of the soft rim; part of an upper lid, < 0 the picture's left one; inner edge of a lip, < 0 the upper one
layout(location = 2) in vec3 place;    // x, y px; z: change of light
uniform vec2 size;
out vec2 uv;
out vec4 info;
void main() {
  uv = rest / size;
  info = vec4(kind, place.z);
  gl_Position = seen(place.xy);
}`,
  fragment: HEAD + `uniform sampler2D portrait;
uniform vec2 shut;       // how far the lids are closed, picture's left and right, 0..1
uniform vec3 lid;
uniform vec2 size;
uniform float wide;      // px from corner to corner of an eye
uniform float unit;      // px between the irises
uniform float apart;     // 0 lips closed .. 1 parted
uniform vec2 fold;       // from where to where above the lid its cover comes in
uniform float crease;    // how dark the lid's own fold is
uniform float blur;      // > 0: beside the picture, which is drawn out and softened
in vec2 uv;
in vec4 info;
out vec4 colour;
void main() {
  if (blur > 0.0) {
    colour = textureLod(portrait, uv, blur * info.w);
    return;
  }
  vec4 c = texture(portrait, uv);
  float k = abs(info.y);
  float closed = info.y < 0.0 ? shut.x : shut.y;
  vec2 below = uv + vec2(0.0, (1.05 - 0.38 * k) * wide / size.y);
  vec4 near = textureLod(portrait, below, log2(wide * 0.14));        // skin under the same light, without lines and brows
  float across = 0.91 + 0.07 * smoothstep(0.4, 0.9, k) - 0.12 * smoothstep(0.88, 1.0, k);     // a lid is round
  vec3 cover = mix(lid, near.rgb / max(near.a, 0.2), 0.65) * across;
  if (crease > 0.0) {                                   // a photograph: the skin between this lid and its brow
    vec4 above = textureLod(portrait, uv - vec2(0.0, (k - 0.25) * 0.24 * wide / size.y), log2(max(wide * 0.07, 1.0)));
    cover = mix(cover, above.rgb / max(above.a, 0.2) * (0.97 - 0.10 * smoothstep(0.80, 1.0, k)), 0.35);
    vec2 cheek = uv + vec2(0.0, (0.95 + 0.30 * k) * wide / size.y);    // pores, freckles or cracked paint come from there
    vec3 grain = texture(portrait, cheek).rgb / max(textureLod(portrait, cheek, log2(wide * 0.14)).rgb, 0.04);
    cover *= clamp(grain, 0.72, 1.22);
  }
  cover *= 1.0 - crease * exp(-pow((k - 0.50) / 0.09, 2.0));
  float m = smoothstep(fold.x, fold.y, k) * smoothstep(0.04, 0.24, closed) * (1.0 - 0.6 * smoothstep(0.975, 1.0, k));
  c.rgb = mix(c.rgb, cover * c.a, m);
  float edge = abs(info.z);                             // the dark line between closed lips opens into wet red
  vec2 inner = uv + vec2(0.0, sign(info.z) * 0.050 * edge * unit / size.y);
  vec3 wet = textureLod(portrait, inner, log2(max(unit * 0.014, 1.0))).rgb * (1.0 - edge * edge * vec3(0.20, 0.36, 0.34));
  c.rgb = mix(c.rgb, wet, smoothstep(0.05, 0.75, edge) * apart * 0.9);
  c.rgb *= 1.0 + info.w;
  colour = c * info.x;
}`,
};

/** A patch behind a hole: `frame` carries its local px to the picture. */
const PATCH = HEAD + VIEW + `uniform vec2 origin;
uniform vec4 frame;      // local x axis, local y axis, in picture px
uniform vec4 box;        // local px: left, top, right, bottom
out vec2 at;
void main() {
  at = mix(box.xy, box.zw, vec2(gl_VertexID & 1, gl_VertexID >> 1));
  gl_Position = seen(origin + frame.xy * at.x + frame.zw * at.y);
}`;

export const EYE = {
  vertex: PATCH,
  fragment: HEAD + `uniform sampler2D white;
uniform sampler2D iris;
uniform float half_;         // 0: the left half of the picture of the whites, 0.5: the right
uniform float width;         // px from corner to corner
uniform vec3 rest;           // x, y, radius of the iris, local px
uniform mat3 gaze;           // rotation of the eyeball
uniform vec2 upper[9];       // the lids' contours, local px, x ascending
uniform vec2 lower[9];
uniform vec2 lamp;           // where the light comes from, x right, y down
uniform float glint;         // brightness of the light in the eye
in vec2 at;
out vec4 colour;
float curve(vec2 line[9], float x) {
  float y = line[0].y;
  for (int k = 0; k < 8; k++) {
    float t = clamp((x - line[k].x) / max(line[k + 1].x - line[k].x, 0.01), 0.0, 1.0);
    y = mix(y, line[k + 1].y, t);
  }
  return y;
}
void main() {
  vec2 uv = clamp(0.5 + at / (2.0 * width), 0.004, 0.996);
  vec4 ball = texture(white, vec2(uv.x * 0.5 + half_, uv.y));
  vec3 c = ball.rgb / max(ball.a, 0.1);
  float radius = rest.z * 2.05;                       // of the eyeball
  vec2 p = (at - rest.xy) / radius;
  float r2 = dot(p, p);
  vec3 q = gaze * vec3(p, sqrt(max(0.0, 1.0 - r2)));
  vec2 on = q.xy * 2.05;                              // 1 at the iris's rim
  float away = length(on);
  if (q.z > 0.0 && r2 < 1.0) {
    vec2 tex = 0.5 + on * 0.46875;
    vec2 dx = dFdx(at) / (rest.z * 2.133), dy = dFdy(at) / (rest.z * 2.133);
    vec4 disc = textureGrad(iris, clamp(tex, 0.0, 1.0), dx, dy);
    c *= 1.0 - 0.25 * smoothstep(1.18, 0.98, away) * (1.0 - disc.a);
    c = disc.rgb + c * (1.0 - disc.a);
  }
  float top = curve(upper, at.x), bottom = curve(lower, at.x);
  float shade = 0.26 * (1.0 - smoothstep(0.0, 0.15 * width, at.y - top));
  shade += 0.08 * (1.0 - smoothstep(0.0, 0.05 * width, bottom - at.y));
  float side = abs(at.x) / (0.5 * width);
  shade += 0.10 * smoothstep(0.6, 1.05, side);
  c *= 1.0 - min(shade, 0.85) * vec3(0.92, 1.0, 1.0);
  float wet = smoothstep(0.030 * width, 0.006 * width, bottom - at.y) * step(0.0, bottom - at.y) * smoothstep(0.95, 0.5, side);
  c += vec3(0.16, 0.13, 0.12) * wet;
  vec2 spark = rest.xy + lamp * rest.z * 0.46;
  float size = rest.z * 0.17;
  float lit = smoothstep(size * 1.25, size * 0.7, length((at - spark) * vec2(1.0, 0.9)));
  float second = 0.30 * smoothstep(size * 0.9, size * 0.3, length(at - rest.xy + lamp * rest.z * 0.48));
  float open = smoothstep(0.0, 0.03 * width, at.y - top);
  c = mix(c, vec3(glint), (lit * 0.92 + second) * open * smoothstep(1.25, 0.9, away));
  colour = vec4(c, 1.0);
}`,
};

/** The inside of the mouth; `out_` > 0 draws only the tongue, over the lower lip. Local px from where the lips meet; `unit` px between the irises. */
export const MOUTH = {
  vertex: HEAD + VIEW + `uniform vec2 origin;
uniform vec4 frame;
uniform vec4 box;
uniform float out_;
layout(location = 0) in vec2 strip;
out vec2 at;
void main() {
  at = out_ > 0.0 ? strip : mix(box.xy, box.zw, vec2(gl_VertexID & 1, gl_VertexID >> 1));
  gl_Position = seen(origin + frame.xy * at.x + frame.zw * at.y);
}`,
  fragment: HEAD + `uniform sampler2D teeth;
uniform float unit, width, out_, raise, tongue, gap;
uniform vec3 inside;         // the light that the picture has for what is inside
uniform vec2 jaw;            // how far the lower jaw has moved, local px
uniform vec2 bite;           // edges of the upper and lower teeth in their halves of the picture, 0..1
uniform vec2 upper[11];      // inner contours of the lips, local px, x ascending
uniform vec2 lower[11];
in vec2 at;
out vec4 colour;
float curve(vec2 line[11], float x) {
  float y = line[0].y;
  for (int k = 0; k < 10; k++) {
    float t = clamp((x - line[k].x) / max(line[k + 1].x - line[k].x, 0.01), 0.0, 1.0);
    y = mix(y, line[k + 1].y, t);
  }
  return y;
}
vec4 row(vec2 p, float edge, float base) {            // p: px from the middle of the teeth's edge; base: half of the picture
  float wide = width * 1.2;
  vec2 uv = vec2(p.x / wide + 0.5, edge + p.y / (wide * 0.25));
  float inside = step(0.004, uv.x) * step(uv.x, 0.996) * step(0.01, uv.y) * step(uv.y, 0.99);
  return texture(teeth, vec2(uv.x, base + clamp(uv.y, 0.01, 0.99) * 0.5)) * inside;
}
vec4 tongueAt(vec2 p) {
  float lift = raise * (0.10 * unit + 0.35 * jaw.y), far = tongue * 0.26 * unit;
  vec2 middle = vec2(jaw.x * 0.9, jaw.y * 0.78 + 0.115 * unit - lift + far * 0.5);
  vec2 r = vec2(0.275 * unit - 0.035 * unit * max(raise, tongue), 0.135 * unit + 0.13 * jaw.y + lift * 0.3 + far * 0.75);
  vec2 d = (p - middle) / r;
  d.x *= 1.0 + 0.18 * max(d.y, 0.0) * tongue;
  float e = length(d);
  float groove = exp(-pow(d.x * 5.0, 2.0)) * smoothstep(0.95, 0.2, abs(d.y));
  float light = 0.60 + 0.42 * (1.0 - e * e) - 0.12 * groove + 0.12 * smoothstep(0.3, -0.6, d.y) * (1.0 - tongue);
  float back = 1.0 - tongue;
  light *= mix(1.0, 0.66 + 0.34 * smoothstep(-1.0, 0.1, d.y), back);       // it goes back into the dark
  vec3 c = vec3(0.74, 0.37, 0.35) * light * inside;
  return vec4(c, smoothstep(1.03, mix(0.93, 0.68 + 0.25 * smoothstep(-0.9, 0.1, d.y), back), e));
}
void main() {
  float top = curve(upper, at.x), bottom = curve(lower, at.x);
  float half_ = max(0.5 * (upper[10].x - upper[0].x), 1.0);
  float side = max(abs(at.x) / (0.5 * width), abs(at.x - 0.5 * (upper[10].x + upper[0].x)) / half_ - 0.08);
  vec4 lick = tongueAt(at);
  if (out_ > 0.0) {
    colour = vec4(lick.rgb, 1.0) * lick.a;
    return;
  }
  float deep = clamp((at.y - top) / max(bottom - top, 1.0), 0.0, 1.0);
  vec3 c = mix(vec3(0.10, 0.025, 0.03), vec3(0.30, 0.085, 0.085), smoothstep(0.25, 1.0, deep));
  c = mix(c, vec3(0.33, 0.11, 0.10), smoothstep(0.35, 0.95, side) * 0.5);
  c *= inside;
  float lit = smoothstep(0.01 * unit, 0.20 * unit, gap);
  vec3 dim = mix(vec3(0.60, 0.50, 0.47), vec3(1.0), lit);   // a mouth that is hardly open lets little light in, and that red
  c = mix(c, lick.rgb * mix(0.42, 0.92, smoothstep(0.02 * unit, 0.22 * unit, at.y - top)) * dim, lick.a * (1.0 - step(0.5, tongue)));
  vec3 round_ = mix(vec3(1.0), vec3(0.26, 0.17, 0.16), smoothstep(0.20, 0.92, side));     // the row bends back into the cheeks
  vec4 low = row(at - jaw * vec2(1.0, 1.0) - vec2(0.0, 0.012 * unit), bite.y, 0.5);
  vec3 under = mix(vec3(0.62, 0.52, 0.50), vec3(0.93, 0.90, 0.88), smoothstep(0.0, 0.10 * unit, at.y - top - 0.10 * unit));
  c = mix(c, low.rgb / max(low.a, 0.01) * round_ * dim * under, low.a);
  if (tongue > 0.5) c = mix(c, lick.rgb, lick.a);
  vec4 high = row(at - vec2(0.0, 0.040 * unit), bite.x, 0.0);
  vec3 shadow = mix(vec3(0.70, 0.60, 0.57), vec3(1.0), smoothstep(0.0, 0.075 * unit, at.y - top));
  c = mix(c, high.rgb / max(high.a, 0.01) * round_ * dim * shadow, high.a);
  c *= mix(vec3(0.40, 0.27, 0.26), vec3(1.0), smoothstep(-0.006 * unit, 0.030 * unit, at.y - top));       // a soft dark edge under the lips
  c *= mix(vec3(0.44, 0.32, 0.31), vec3(1.0), max(smoothstep(-0.006 * unit, 0.036 * unit, bottom - at.y), tongue * lick.a));
  colour = vec4(c, 1.0);
}`,
};

export const LASH = {
  vertex: HEAD + VIEW + `layout(location = 0) in vec4 lash;    // x, y px; along the lid 0..1; from root 0 to tip 1
out vec2 on;
void main() {
  on = lash.zw;
  gl_Position = seen(lash.xy);
}`,
  fragment: HEAD + `uniform vec3 ink;
uniform float strength;
in vec2 on;
out vec4 colour;
float chance(float k) { return fract(sin(k * 12.9898) * 43758.5453); }
void main() {
  float n = on.x * 46.0, id = floor(n), far = on.y / (0.50 + 0.50 * chance(id));
  float beside = abs(fract(n) - 0.5 + 0.5 * (chance(id + 31.0) - 0.5) * on.y);
  float hair = smoothstep(0.10, -0.10, beside - 0.42 * (1.0 - far)) * step(far, 1.0);
  float a = max(hair * 0.85, 1.0 - smoothstep(0.10, 0.30, on.y));
  a *= smoothstep(0.0, 0.06, on.x) * smoothstep(1.0, 0.90, on.x) * smoothstep(0.0, 0.08, on.y);
  colour = vec4(ink, 1.0) * a * strength;
}`,
};
