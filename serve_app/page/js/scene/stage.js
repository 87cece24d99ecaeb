// A 3D scene in a box of the page: drawn when something changes, never in a loop. Coordinates are the CAD's, in mm, z up.

import * as THREE from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { h } from "../base/dom.js";
import { t } from "../base/i18n.js";
import { color, onTheme } from "../base/theme.js";

const KEYS = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.12], ArrowDown: [0, 0.12] };

export class Stage {
  /** @param {HTMLElement} box that the scene fills. @param {string} label for screen readers. */
  constructor(box, label) {
    this.box = box;
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(35, 1, 0.1, 1000);
    this.camera.up.set(0, 0, 1);
    this.camera.position.set(2.1, -2.6, 1.7);
    try {
      this.renderer = new THREE.WebGLRenderer({ antialias: true, alpha: true });
    } catch {
      box.append(h("p", { class: "no-scene quiet" }, t("scene.none")));
      this.dispose = () => {};
      return;
    }
    this.canvas = this.renderer.domElement;
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", label);
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    box.append(this.canvas);
    this.controls = new OrbitControls(this.camera, this.canvas);
    this.controls.enableDamping = false;
    this.controls.addEventListener("change", () => this.draw());
    // Light from behind the viewer's shoulder, wherever the viewer goes, and a little from everywhere.
    this.lights = new THREE.Group();
    const key = new THREE.DirectionalLight(0xffffff, 2.2);
    key.position.set(0.6, 0.8, 1);
    this.lights.add(key);
    this.camera.add(this.lights);
    this.scene.add(this.camera, new THREE.HemisphereLight(0xffffff, 0x8a97a3, 1.4));
    this.observer = new ResizeObserver(() => this.#resize());
    this.observer.observe(box);
    this.unlisten = onTheme(() => (this.onTheme?.(), this.draw()));
    this.#resize();
  }

  get works() {
    return Boolean(this.renderer);
  }

  /** Draw at the next frame. */
  draw() {
    if (!this.renderer || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.beforeDraw?.();
      this.renderer.render(this.scene, this.camera);
    });
  }

  /** Look at a ball from where the camera is now; of radius 1 it is seen whole. */
  frameBall(center, radius) {
    if (!this.renderer) return;
    const direction = this.camera.position.clone().sub(this.controls.target).normalize();
    const half = THREE.MathUtils.degToRad(this.camera.fov / 2);
    const distance = (radius / Math.sin(half)) * Math.max(1, 1 / this.camera.aspect);
    this.controls.target.copy(center);
    this.camera.position.copy(center).addScaledVector(direction, distance);
    this.camera.near = distance / 200;
    this.camera.far = distance * 20;
    this.camera.updateProjectionMatrix();
    this.controls.update();
    this.draw();
  }

  /** What of `objects` lies under a pointer's event, nearest first. */
  under(event, objects, threshold = 0) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const caster = new THREE.Raycaster();
    caster.params.Points.threshold = threshold;
    caster.setFromCamera(new THREE.Vector2(((event.clientX - left) / width) * 2 - 1, 1 - ((event.clientY - top) / height) * 2), this.camera);
    return caster.intersectObjects(objects, true);
  }

  /** Calls `pick(event)` for a click that was no drag. */
  onClick(pick) {
    let start = null;
    this.canvas?.addEventListener("pointerdown", (event) => (start = [event.clientX, event.clientY]));
    this.canvas?.addEventListener("pointerup", (event) => {
      if (start && Math.hypot(event.clientX - start[0], event.clientY - start[1]) < 5) pick(event);
      start = null;
    });
  }

  dispose() {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    this.unlisten();
    this.controls.dispose();
    disposeOf(this.scene);
    this.renderer.dispose();
    this.renderer.forceContextLoss(); // A browser gives out few contexts, and takes its time to take them back.
    this.canvas.remove();
  }

  #key(event) {
    const turn = KEYS[event.key];
    const zoom = { "+": 0.85, "=": 0.85, "-": 1.18 }[event.key];
    if (!turn && !zoom) return;
    event.preventDefault();
    const offset = this.camera.position.clone().sub(this.controls.target);
    const ball = new THREE.Spherical().setFromVector3(new THREE.Vector3(offset.x, offset.z, -offset.y));
    if (turn) (ball.theta += turn[0]), (ball.phi = Math.min(Math.max(ball.phi + turn[1], 0.05), Math.PI - 0.05));
    else ball.radius *= zoom;
    const turned = new THREE.Vector3().setFromSpherical(ball);
    this.camera.position.copy(this.controls.target).add(new THREE.Vector3(turned.x, -turned.z, turned.y));
    this.controls.update();
    this.draw();
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!this.renderer || !width || !height) return;
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.draw();
  }
}

/** A colour of the stylesheet for a material. */
export const sceneColor = (name) => new THREE.Color(color(name));

/** Free what an object and its children hold on the GPU. */
export function disposeOf(object) {
  object.traverse((part) => {
    part.geometry?.dispose();
    for (const material of [part.material].flat()) {
      material?.map?.dispose();
      material?.dispose();
    }
  });
}
