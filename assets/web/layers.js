/** The WebGL 2 side of a face: programs, textures and buffers, and the order in which the layers are drawn. It owns nothing but the context. */
import { wings } from "./surface.js";
import { EYE, LASH, MOUTH, SCENE, SKIN } from "./shaders.js";

const BESIDE = 6;                                     // mip level at the outer end of what is drawn out beside the picture
const COLOUR = (rgb) => rgb.map((v) => v / 255);

export class Layers {
  /**
   * @param {WebGL2RenderingContext} gl
   * @param {import("./pose.js").Rig} rig
   * @param {Object<string, TexImageSource>} pictures portrait, background, eyes, iris, teeth
   * @param {{surface: import("./surface.js").Surface, eyes: import("./eye.js").Eye[], mouth: import("./mouth.js").Mouth, bite: number[]}} parts
   */
  constructor(gl, rig, pictures, parts) {
    this.gl = gl;
    this.rig = rig;
    this.parts = parts;
    this.programs = Object.fromEntries(Object.entries({ SCENE, SKIN, EYE, MOUTH, LASH }).map(([name, code]) => [name, program(gl, name, code)]));
    this.textures = Object.fromEntries(Object.entries(pictures).map(([name, picture]) => [name, texture(gl, picture)]));
    this.view = new Float32Array(4);
    this.cover = new Float32Array(4);
    this.shut = new Float32Array(2);
    const lamp = rig.light ?? [-0.3, -0.5, -0.8], flat = Math.hypot(lamp[0], lamp[1]) || 1;
    this.lamp = new Float32Array([lamp[0] / flat, lamp[1] / flat]);
    this.colours = { lid: COLOUR(rig.lid ?? rig.skin), ink: COLOUR(rig.lash ?? [40, 28, 24]) };
    this.#buffers();
    this.#constants();
  }

  #buffers() {
    const gl = this.gl, { surface, eyes, mouth } = this.parts;
    this.empty = gl.createVertexArray();
    this.skin = gl.createVertexArray();
    gl.bindVertexArray(this.skin);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, surface.fixed, gl.STATIC_DRAW);
    attribute(gl, 0, 2, 20, 0);
    attribute(gl, 1, 3, 20, 8);
    this.places = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.places);
    gl.bufferData(gl.ARRAY_BUFFER, surface.places.byteLength, gl.DYNAMIC_DRAW);
    attribute(gl, 2, 3, 12, 0);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, surface.triangles, gl.STATIC_DRAW);
    const beside = wings(this.rig.size);
    this.beside = gl.createVertexArray();
    this.besideCount = beside.triangles.length;
    gl.bindVertexArray(this.beside);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, beside.fixed, gl.STATIC_DRAW);
    attribute(gl, 0, 2, 20, 0);
    attribute(gl, 1, 3, 20, 8);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, beside.places, gl.STATIC_DRAW);
    attribute(gl, 2, 3, 12, 0);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, beside.triangles, gl.STATIC_DRAW);
    this.strips = [...eyes.map((eye) => [eye.lashes, 4]), [mouth.strip, 2]].map(([data, size]) => {
      const vao = gl.createVertexArray(), buffer = gl.createBuffer();
      gl.bindVertexArray(vao);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, data.byteLength, gl.DYNAMIC_DRAW);
      attribute(gl, 0, size, 4 * size, 0);
      return { vao, buffer, data, count: data.length / size };
    });
    gl.bindVertexArray(null);
  }

  /** Uniforms that never change. */
  #constants() {
    const gl = this.gl, { mouth, bite, eyes } = this.parts, p = this.programs, inside = this.rig.inside ?? [1, 1, 1];
    gl.useProgram(p.SKIN.program);
    gl.uniform2fv(p.SKIN.at.size, this.rig.size);
    gl.uniform3fv(p.SKIN.at.lid, this.colours.lid);
    gl.uniform1f(p.SKIN.at.wide, eyes[0].width);
    gl.uniform1f(p.SKIN.at.unit, mouth.unit);
    gl.uniform2fv(p.SKIN.at.fold, this.rig.fold ?? [0.16, 0.50]);
    gl.uniform1f(p.SKIN.at.crease, this.rig.fold ? 0.14 : 0);
    gl.useProgram(p.EYE.program);
    gl.uniform1i(p.EYE.at.iris, 1);
    gl.uniform2fv(p.EYE.at.lamp, this.lamp);
    gl.uniform1f(p.EYE.at.glint, Math.min(1, Math.max(...inside)));
    gl.useProgram(p.MOUTH.program);
    gl.uniform1f(p.MOUTH.at.unit, mouth.unit);
    gl.uniform1f(p.MOUTH.at.width, mouth.width);
    gl.uniform2fv(p.MOUTH.at.bite, bite);
    gl.uniform3fv(p.MOUTH.at.inside, inside);
    gl.useProgram(p.LASH.program);
    gl.uniform3fv(p.LASH.at.ink, this.colours.ink);
  }

  /** @param {boolean} scene whether the background is drawn */
  draw(scene) {
    const gl = this.gl, { surface, eyes, mouth } = this.parts;
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.disable(gl.BLEND);
    gl.bindVertexArray(this.empty);
    if (scene) {
      this.#use("SCENE", "background");
      gl.uniform4fv(this.programs.SCENE.at.cover, this.cover);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
    for (const eye of eyes) this.#eye(eye);
    this.#mouth(mouth, 0);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.#skin(surface);
    eyes.forEach((eye, k) => this.#lashes(eye, this.strips[k]));
    if (mouth.tongue > 0) {
      const strip = this.strips[2];
      this.#fill(strip);
      gl.bindVertexArray(strip.vao);
      this.#mouth(mouth, mouth.tongue * 0.34 * mouth.unit);
    }
    gl.bindVertexArray(null);
  }

  #use(name, picture) {
    const gl = this.gl, { program, at } = this.programs[name];
    gl.useProgram(program);
    if (at.view) gl.uniform4fv(at.view, this.view);
    if (picture) {
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, this.textures[picture]);
    }
    return at;
  }

  #eye(eye) {
    const gl = this.gl, at = this.#use("EYE", "eyes");
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.textures.iris);
    gl.uniform1f(at.half_, eye.half);
    gl.uniform1f(at.width, eye.width);
    gl.uniform2fv(at.origin, eye.origin);
    gl.uniform4fv(at.frame, eye.frame);
    gl.uniform4fv(at.box, eye.reach);
    gl.uniform3fv(at.rest, eye.iris);
    gl.uniformMatrix3fv(at.gaze, false, eye.gaze);
    gl.uniform2fv(at.upper, eye.top);
    gl.uniform2fv(at.lower, eye.bottom);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  #mouth(mouth, out) {
    const gl = this.gl, at = this.#use("MOUTH", "teeth");
    gl.uniform2fv(at.origin, mouth.origin);
    gl.uniform4fv(at.frame, mouth.frame);
    gl.uniform4fv(at.box, mouth.box);
    gl.uniform1f(at.out_, out);
    gl.uniform1f(at.raise, mouth.raise);
    gl.uniform1f(at.tongue, mouth.tongue);
    gl.uniform1f(at.gap, mouth.gap);
    gl.uniform2fv(at.jaw, mouth.jaw);
    gl.uniform2fv(at.upper, mouth.top);
    gl.uniform2fv(at.lower, mouth.bottom);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, out > 0 ? this.strips[2].count : 4);
  }

  #skin(surface) {
    const gl = this.gl, at = this.#use("SKIN", "portrait"), [left, right] = this.parts.eyes;
    this.shut[0] = left.shut;
    this.shut[1] = right.shut;
    gl.uniform2fv(at.shut, this.shut);
    gl.uniform1f(at.apart, this.parts.mouth.apart);
    gl.bindVertexArray(this.beside);
    gl.uniform1f(at.blur, BESIDE);
    gl.drawElements(gl.TRIANGLES, this.besideCount, gl.UNSIGNED_SHORT, 0);
    gl.uniform1f(at.blur, 0);
    gl.bindVertexArray(this.skin);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.places);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, surface.places);
    gl.drawElements(gl.TRIANGLES, surface.triangles.length, gl.UNSIGNED_SHORT, 0);
  }

  #lashes(eye, strip) {
    const gl = this.gl, at = this.#use("LASH");
    this.#fill(strip);
    gl.uniform1f(at.strength, 0.55 + 0.35 * eye.shut);
    gl.bindVertexArray(strip.vao);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, strip.count);
  }

  #fill(strip) {
    const gl = this.gl;
    gl.bindBuffer(gl.ARRAY_BUFFER, strip.buffer);
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, strip.data);
  }

  /** Frees what this made. A lost context has freed it already. */
  dispose() {
    const gl = this.gl;
    for (const t of Object.values(this.textures)) gl.deleteTexture(t);
    for (const { program } of Object.values(this.programs)) gl.deleteProgram(program);
    for (const { vao, buffer } of this.strips) {
      gl.deleteVertexArray(vao);
      gl.deleteBuffer(buffer);
    }
    gl.deleteVertexArray(this.beside);
    gl.deleteVertexArray(this.skin);
    gl.deleteBuffer(this.places);
  }
}

function attribute(gl, index, size, stride, offset) {
  gl.enableVertexAttribArray(index);
  gl.vertexAttribPointer(index, size, gl.FLOAT, false, stride, offset);
}

function program(gl, name, { vertex, fragment }) {
  const made = gl.createProgram();
  for (const [kind, code] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, code);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) throw new Error(`${name}: ${gl.getShaderInfoLog(shader)}`);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(`${name}: ${gl.getProgramInfoLog(made)}`);
  const at = {};
  for (let k = 0; k < gl.getProgramParameter(made, gl.ACTIVE_UNIFORMS); k++) {
    const uniform = gl.getActiveUniform(made, k).name.replace("[0]", "");
    at[uniform] = gl.getUniformLocation(made, uniform);
  }
  return { program: made, at };
}

function texture(gl, picture) {
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture);
  gl.generateMipmap(gl.TEXTURE_2D);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  const fine = gl.getExtension("EXT_texture_filter_anisotropic");
  if (fine) gl.texParameterf(gl.TEXTURE_2D, fine.TEXTURE_MAX_ANISOTROPY_EXT, Math.min(8, gl.getParameter(fine.MAX_TEXTURE_MAX_ANISOTROPY_EXT)));
  return made;
}
