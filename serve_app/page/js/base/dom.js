// Elements without markup: nothing that a server or a file says is ever parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element: `h("button", {class: "x", onclick: f, disabled: true}, "text", child)`. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) set(element, name, value);
  element.append(...children.flat(3).filter((child) => child != null && child !== false));
  return element;
}

function set(element, name, value) {
  if (value == null || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "class") element.className = value;
  else if (name === "data") Object.assign(element.dataset, value);
  else if (name in element && typeof value !== "string" && name !== "list") element[name] = value;
  else if (name === "value" || name === "textContent") element[name] = value;
  else element.setAttribute(name, value === true ? "" : value);
}

const ICONS = {
  upload: "M12 16V4m0 0L7 9m5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3",
  download: "M12 4v12m0 0 5-5m-5 5-5-5M4 18v1a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-1",
  close: "M6 6l12 12M18 6 6 18",
  check: "M5 12.5 10 17.5 19 7",
  warning: "M12 4 2.8 20h18.4zM12 10v4.5M12 17.2v.3",
  grid: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
  sphere: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c3 2.6 3.6 6 3.6 9s-.6 6.400-3.600 9c-3-2.600-3.600-6-3.600-9S9 5.600 12 3z",
  copy: "M8 8h12v12H8zM4 16V5a1 1 0 0 1 1-1h11",
  compare: "M12 3v18M4 6h5v12H4zM15 6h5v12h-5z",
  again: "M4 12a8 8 0 0 1 13.700-5.600L20 8.500M20 4v4.500h-4.500M20 12a8 8 0 0 1-13.700 5.600L4 15.500M4 20v-4.500h4.500",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  theme: "M12 3a9 9 0 1 0 9 9c-4 2-10-1-9-9z",
  key: "M14.500 9.500a4 4 0 1 0-3.300 3.900L13 15h2v2h2v2h3v-3l-5.700-5.700",
  cube: "M12 3l8 4.500v9L12 21l-8-4.500v-9zM12 12l8-4.500M12 12v9M12 12 4 7.500",
  search: "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.500 15.500 20 20",
  stop: "M6 6h12v12H6z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
};

/** A line icon, hidden from screen readers: what it means stands beside it, or in its button's label. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

const FOCUSABLE = "button, a[href], input, select, textarea, summary, [tabindex]";

/** Replace what an element holds. Focus inside goes to what stands in the same place, so that nobody at a keyboard is thrown out. */
export function fill(element, ...children) {
  const inside = () => [...element.querySelectorAll(FOCUSABLE)];
  const at = element.contains(document.activeElement) ? inside().indexOf(document.activeElement) : -1;
  element.replaceChildren(...children.flat(3).filter((child) => child != null && child !== false));
  if (at >= 0) inside()[at]?.focus({ preventScroll: true });
  return element;
}

let counted = 0;
/** An id that no other element has. */
export const newId = (name) => `${name}-${(counted += 1)}`;
