// The views at the places of their cameras, around the origin of the CAD.

import * as THREE from "three";
import { imageAddress } from "../base/images.js";
import { t } from "../base/i18n.js";
import { color } from "../base/theme.js";
import { globe } from "../scene/cameras.js";
import { Stage, sceneColor } from "../scene/stage.js";
import { fileOf } from "./watch.js";

const TEXTURE_PX = 192;
const PENDING = 0.25;

export class Sphere {
  /** @param {HTMLElement} box @param {(index: number) => void} open @param {AbortSignal} signal */
  constructor(box, open, signal) {
    Object.assign(this, { open, signal, sprites: [] });
    this.stage = new Stage(box, t("job.sphere.label"));
    if (!this.stage.works) return;
    this.group = new THREE.Group();
    this.globe = new THREE.LineSegments(globe(0.97), new THREE.LineBasicMaterial({ color: sceneColor("scene-line") }));
    this.stage.scene.add(this.globe, this.group);
    this.stage.beforeDraw = () => this.#fade();
    this.stage.onTheme = () => (this.globe.material.color.copy(sceneColor("scene-line")), this.sprites.forEach((one) => this.#plain(one)));
    this.stage.onClick((event) => this.#pick(event));
    this.stage.frameBall(new THREE.Vector3(), 1.28);
  }

  /** As `Sheet.show`. */
  show(views, kind, changed) {
    if (!this.stage.works) return;
    if (views.length !== this.sprites.length) this.#build(views);
    if (kind !== this.kind) changed = null;
    this.kind = kind;
    for (const index of changed ?? views.keys()) void this.#fill(this.sprites[index], views[index]);
    this.stage.draw();
  }

  dispose() {
    this.stage.dispose();
  }

  #build(views) {
    this.group.clear();
    const poses = directionsOf(views);
    const size = Math.min(0.8, 4.6 / Math.sqrt(views.length));
    this.sprites = views.map((view, index) => {
      const sprite = new THREE.Sprite(new THREE.SpriteMaterial({ transparent: true, depthWrite: false }));
      sprite.position.copy(poses[index]);
      sprite.userData.index = index;
      this.group.add(sprite);
      const one = { sprite, size, path: null, here: false };
      this.#plain(one);
      return one;
    });
  }

  #plain({ sprite, size, here }) {
    if (here) return;
    sprite.scale.setScalar(size * 0.1);
    sprite.material.color.copy(sceneColor("line-strong"));
  }

  async #fill(one, view) {
    const path = view.state === "rendered" ? fileOf(view, this.kind) : null;
    if (!path || one.path === path) return;
    one.path = path;
    try {
      const picture = await cutOut(this.kind === "mask" ? null : path, fileOf(view, "mask"), this.signal);
      if (one.path !== path || this.signal.aborted) return;
      const texture = new THREE.CanvasTexture(picture);
      texture.colorSpace = THREE.SRGBColorSpace;
      const { material } = one.sprite;
      material.map?.dispose();
      Object.assign(material, { map: texture });
      material.color.set(0xffffff);
      material.needsUpdate = true;
      one.here = true;
      one.sprite.scale.setScalar(one.size);
      this.stage.draw();
    } catch {
      one.path = null; // It is asked for again at the next change.
    }
  }

  /** Views at the back are faint, so that those in front can be told apart. */
  #fade() {
    const eye = this.stage.camera.position.clone().normalize();
    for (const { sprite, here } of this.sprites) {
      const front = sprite.position.clone().normalize().dot(eye);
      sprite.material.opacity = here ? Math.max(0.12, Math.min(1, 0.62 + front * 0.75)) : PENDING + Math.max(0, front) * 0.5;
      sprite.renderOrder = front * 1000;
    }
  }

  #pick(event) {
    const hits = this.stage.under(event, [this.group]).filter(({ object }) => this.sprites[object.userData.index].here);
    const eye = this.stage.camera.position;
    hits.sort((one, other) => one.object.position.distanceTo(eye) - other.object.position.distanceTo(eye));
    if (hits.length) this.open(hits[0].object.userData.index);
  }
}

/** An image, small, with nothing but the part; where there is no image, the part in one colour. */
async function cutOut(path, mask, signal) {
  const canvas = new OffscreenCanvas(TEXTURE_PX, TEXTURE_PX);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const draw = async (from) => context.drawImage(await createImageBitmap(await (await fetch(await imageAddress(from, { signal }))).blob()), 0, 0, TEXTURE_PX, TEXTURE_PX);
  await draw(mask);
  const { data: seen } = context.getImageData(0, 0, TEXTURE_PX, TEXTURE_PX);
  context.clearRect(0, 0, TEXTURE_PX, TEXTURE_PX);
  if (path) await draw(path);
  else (context.fillStyle = color("text")), context.fillRect(0, 0, TEXTURE_PX, TEXTURE_PX);
  const shown = context.getImageData(0, 0, TEXTURE_PX, TEXTURE_PX);
  for (let at = 0; at < seen.length; at += 4) shown.data[at + 3] = seen[at];
  context.putImageData(shown, 0, 0);
  return canvas;
}

/** Unit vectors from the CAD's origin to each camera; turns about the viewing axis, which share a place, are spread a little. */
function directionsOf(views) {
  const seen = new Map();
  return views.map(({ camera_pose: pose }) => {
    const place = new THREE.Vector3(pose[0][3], pose[1][3], pose[2][3]).normalize();
    const key = place.toArray().map((x) => x.toFixed(3)).join();
    const turn = seen.get(key) ?? 0;
    seen.set(key, turn + 1);
    return place.multiplyScalar(1 + turn * 0.03);
  });
}
