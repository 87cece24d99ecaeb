// Cameras as points on a sphere around the CAD's origin, each with a short line towards what it looks at.

import * as THREE from "three";
import { disposeOf, sceneColor } from "./stage.js";

const STEM = 0.09;

export class CameraPoints {
  constructor(stage) {
    this.stage = stage;
    this.group = new THREE.Group();
    stage.scene.add(this.group);
  }

  /** @param {number[][]} directions unit vectors from the origin. @param {number} radius in mm, of the drawing: real ones are farther. */
  show(directions, radius) {
    this.clear();
    this.radius = radius;
    const places = new Float32Array(directions.length * 3);
    const stems = new Float32Array(directions.length * 6);
    directions.forEach((direction, index) => {
      direction.forEach((value, axis) => {
        places[index * 3 + axis] = value * radius;
        stems[index * 6 + axis] = value * radius;
        stems[index * 6 + 3 + axis] = value * radius * (1 - STEM);
      });
    });
    const geometry = new THREE.BufferGeometry().setAttribute("position", new THREE.BufferAttribute(places, 3));
    const size = directions.length > 200 ? 4 : directions.length > 60 ? 6 : 9;
    this.points = new THREE.Points(geometry, new THREE.PointsMaterial({ size: size * Math.min(devicePixelRatio, 2), sizeAttenuation: false, map: disc(), transparent: true, alphaTest: 0.35 }));
    const lines = new THREE.BufferGeometry().setAttribute("position", new THREE.BufferAttribute(stems, 3));
    this.stems = new THREE.LineSegments(lines, new THREE.LineBasicMaterial({ transparent: true, opacity: 0.5 }));
    this.globe = new THREE.LineSegments(globe(radius), new THREE.LineBasicMaterial({ transparent: true, opacity: 0.5 }));
    this.group.add(this.globe, this.stems, this.points);
    this.recolor();
  }

  recolor() {
    if (!this.points) return;
    this.points.material.color.copy(sceneColor("camera"));
    this.stems.material.color.copy(sceneColor("camera"));
    this.globe.material.color.copy(sceneColor("scene-line"));
    this.stage.draw();
  }

  /** Index of the camera under the pointer; null where there is none. */
  under(event) {
    if (!this.points) return null;
    const [hit] = this.stage.under(event, [this.points], this.radius * 0.045);
    return hit ? hit.index : null;
  }

  clear() {
    disposeOf(this.group);
    this.group.clear();
    this.points = null;
  }
}

let round = null;
function disc() {
  if (round) return round.clone();
  const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 32 });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.arc(16, 16, 14, 0, 2 * Math.PI);
  context.fill();
  round = new THREE.CanvasTexture(canvas);
  return round.clone();
}

/** The equator, two meridians and two parallels. */
export function globe(radius) {
  const steps = 72;
  const points = [];
  const circle = (at) => {
    for (let step = 0; step < steps; step += 1) {
      points.push(...at((step / steps) * 2 * Math.PI), ...at(((step + 1) / steps) * 2 * Math.PI));
    }
  };
  const parallel = (elevation) => (angle) =>
    [Math.cos(angle) * Math.cos(elevation), Math.sin(angle) * Math.cos(elevation), Math.sin(elevation)].map((x) => x * radius);
  for (const elevation of [-Math.PI / 4, 0, Math.PI / 4]) circle(parallel(elevation));
  for (const turn of [0, Math.PI / 4, Math.PI / 2, (3 * Math.PI) / 4]) {
    circle((angle) => [Math.cos(turn) * Math.cos(angle), Math.sin(turn) * Math.cos(angle), Math.sin(angle)].map((x) => x * radius));
  }
  return new THREE.BufferGeometry().setAttribute("position", new THREE.BufferAttribute(new Float32Array(points), 3));
}
