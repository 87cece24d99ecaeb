// Dark or light: the system's, until one is chosen.

import { read, write } from "./storage.js";

const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set();

export const isDark = () => (read("theme") ?? (dark.matches ? "dark" : "light")) === "dark";

export function applyTheme() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  listeners.forEach((listener) => listener());
}

export function toggleTheme() {
  write("theme", isDark() ? "light" : "dark");
  applyTheme();
}

/** Call `listener` when colours change; gives a function that ends it. */
export function onTheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A colour of the stylesheet by its name, as `rgb(...)` of the theme that is shown. */
export function color(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

dark.addEventListener("change", applyTheme);
