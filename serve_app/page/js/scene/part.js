// The CAD in the scene: the server's own mesh of it, in mm, with a box that shows its extents.

import * as THREE from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { disposeOf, sceneColor } from "./stage.js";

export class Part {
  constructor(stage) {
    this.stage = stage;
    this.group = new THREE.Group();
    stage.scene.add(this.group);
  }

  /** @param {ArrayBuffer} glb of the mesh in mm. @returns {Promise<THREE.Box3>} its bounds. */
  async show(glb) {
    const { scene } = await new GLTFLoader().parseAsync(glb, "");
    this.clear();
    this.mesh = scene;
    scene.traverse((node) => {
      if (!node.isMesh) return;
      for (const material of [node.material].flat()) {
        material.side = THREE.DoubleSide;
        if ("metalness" in material) material.metalness = Math.min(material.metalness, 0.35); // There is nothing here to be reflected.
      }
    });
    const bounds = new THREE.Box3().setFromObject(scene);
    this.box = new THREE.Box3Helper(bounds, sceneColor("line-strong"));
    this.box.material.transparent = true;
    this.box.material.opacity = 0.55;
    this.group.add(scene, this.box);
    this.stage.draw();
    return bounds;
  }

  /** Names of the nodes that are parts. @param {Set<string> | null} chosen those that are rendered; null for all. */
  choose(chosen) {
    this.mesh?.traverse((node) => {
      if (!node.isMesh) return;
      let named = node;
      while (named && !named.userData.part && named.parent !== this.mesh && named.parent) named = named.parent;
      const name = named?.userData.part ?? named?.userData.name ?? named?.name;
      const faint = chosen !== null && !chosen.has(name);
      for (const material of [node.material].flat()) {
        material.transparent = faint;
        material.opacity = faint ? 0.12 : 1;
        material.depthWrite = !faint;
        material.needsUpdate = true;
      }
    });
    this.stage.draw();
  }

  recolor() {
    this.box?.material.color.copy(sceneColor("line-strong"));
  }

  clear() {
    disposeOf(this.group);
    this.group.clear();
    this.mesh = this.box = null;
    this.stage.draw();
  }
}
