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
layout(location = 1) in vec2 kind;     // x: alpha of the soft rim; y: how much it belongs to an upper lid, < 0 the picture's left one
layout(location = 2) in vec3 place;    // x, y px; z: change of light
uniform vec2 size;
out vec2 uv;
out vec3 info;
void main() {
  uv = rest / size;
  info = vec3(kind, place.z);
  gl_Position = seen(place.xy);
}`,
  fragment: HEAD + `uniform sampler2D portrait;
uniform vec2 shut;       // how far the lids are closed, picture's left and right, 0..1
uniform vec3 lid;
in vec2 uv;
in vec3 info;
out vec4 colour;
void main() {
  vec4 c = texture(portrait, uv);
  float k = abs(info.y);
  float closed = info.y < 0.0 ? shut.x : shut.y;
  vec3 soft = textureLod(portrait, uv, 4.5).rgb;
  vec3 cover = mix(lid, soft / max(textureLod(portrait, uv, 4.5).a, 0.2), 0.25) * (1.03 - 0.16 * k * k);
  float m = smoothstep(0.10, 0.5, k) * smoothstep(0.03, 0.45, closed) * (1.0 - 0.7 * smoothstep(0.95, 1.0, k));
  c.rgb = mix(c.rgb, cover * c.a, m * 0.92);
  c.rgb *= 1.0 + info.z;
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
  vec3 c = texture(white, vec2(uv.x * 0.5 + half_, uv.y)).rgb;
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
  float shade = 0.50 * (1.0 - smoothstep(0.0, 0.15 * width, at.y - top));
  shade += 0.16 * (1.0 - smoothstep(0.0, 0.05 * width, bottom - at.y));
  float side = abs(at.x) / (0.5 * width);
  shade += 0.22 * smoothstep(0.6, 1.05, side);
  c *= 1.0 - min(shade, 0.85) * vec3(0.92, 1.0, 1.0);
  float wet = smoothstep(0.030 * width, 0.006 * width, bottom - at.y) * step(0.0, bottom - at.y) * smoothstep(0.95, 0.5, side);
  c += vec3(0.16, 0.13, 0.12) * wet;
  vec2 spark = rest.xy + lamp * rest.z * 0.46;
  float size = rest.z * 0.17;
  float lit = smoothstep(size * 1.25, size * 0.7, length((at - spark) * vec2(1.0, 0.9)));
  float second = 0.30 * smoothstep(size * 0.9, size * 0.3, length(at - rest.xy + lamp * rest.z * 0.48));
  float open = smoothstep(0.0, 0.03 * width, at.y - top);
  c = mix(c, vec3(1.0), (lit * 0.92 + second) * open * smoothstep(1.25, 0.9, away));
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
  float lift = raise * 0.16 * unit, far = out_ + tongue * 0.34 * unit;
  vec2 middle = jaw * 0.92 + vec2(0.0, 0.135 * unit - lift + far * 0.45);
  vec2 r = vec2(0.285 * unit - 0.03 * unit * raise, 0.135 * unit + lift * 0.3 + far * 0.55);
  vec2 d = (p - middle) / r;
  float e = length(vec2(d.x, d.y < 0.0 ? d.y : d.y));
  float groove = exp(-pow(d.x * 6.0, 2.0)) * smoothstep(0.9, 0.1, abs(d.y));
  float light = 0.62 + 0.36 * (1.0 - e * e) - 0.10 * groove + 0.10 * smoothstep(0.2, -0.7, d.y);
  vec3 c = vec3(0.70, 0.33, 0.31) * light;
  return vec4(c, smoothstep(1.04, 0.90, e));
}
void main() {
  float top = curve(upper, at.x), bottom = curve(lower, at.x);
  float side = abs(at.x) / (0.5 * width);
  vec4 lick = tongueAt(at);
  if (out_ > 0.0) {
    colour = vec4(lick.rgb, 1.0) * lick.a;
    return;
  }
  float deep = clamp((at.y - top) / max(bottom - top, 1.0), 0.0, 1.0);
  vec3 c = mix(vec3(0.10, 0.025, 0.03), vec3(0.30, 0.085, 0.085), smoothstep(0.25, 1.0, deep));
  c = mix(c, vec3(0.33, 0.11, 0.10), smoothstep(0.35, 0.95, side) * 0.5);
  float lit = smoothstep(0.01 * unit, 0.20 * unit, gap);
  float dim = 0.50 + 0.5 * lit;                       // a mouth that is hardly open lets little light in
  c = mix(c, lick.rgb * mix(0.55, 1.0, smoothstep(0.0, 0.12 * unit, at.y - top)) * dim, lick.a * (1.0 - step(0.5, tongue)));
  float round_ = 1.0 - 0.55 * smoothstep(0.18, 0.75, side);
  vec4 low = row(at - jaw * vec2(1.0, 1.0) - vec2(0.0, 0.012 * unit), bite.y, 0.5);
  float under = mix(0.58, 0.92, smoothstep(0.0, 0.10 * unit, at.y - top - 0.10 * unit));
  c = mix(c, low.rgb / max(low.a, 0.01) * round_ * dim * under, low.a);
  if (tongue > 0.5) c = mix(c, lick.rgb, lick.a);
  vec4 high = row(at - vec2(0.0, 0.040 * unit), bite.x, 0.0);
  float shadow = mix(0.52, 1.0, smoothstep(0.0, 0.085 * unit, at.y - top));
  c = mix(c, high.rgb / max(high.a, 0.01) * round_ * dim * shadow, high.a);
  c *= mix(0.55, 1.0, smoothstep(0.0, 0.022 * unit, at.y - top));
  c *= mix(0.60, 1.0, smoothstep(0.0, 0.035 * unit, bottom - at.y));
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
void main() {
  float hairs = 0.5 + 0.5 * sin(on.x * 150.0 + 9.0 * sin(on.x * 17.0) + on.y * 3.0);
  float body = mix(1.0, smoothstep(0.25, 0.75, hairs), smoothstep(0.28, 0.5, on.y));
  float a = body * (1.0 - smoothstep(0.35, 1.0, on.y)) * smoothstep(0.0, 0.10, on.x) * smoothstep(1.0, 0.86, on.x);
  a *= smoothstep(0.0, 0.10, on.y);
  colour = vec4(ink, 1.0) * a * strength;
}`,
};
