// Which options the form has, and how each is chosen. Defaults, choices and limits are the server's own, from its OpenAPI document.

import { getJson } from "../base/api.js";

/** `kind`: how it is chosen. `layouts`, `formats`: of which the option is; of all where neither is said. */
export const OPTIONS = [
  { name: "quality", kind: "choice" },
  { name: "level", kind: "choice", choices: [0, 1, 2], usual: 0 },
  { name: "resolution", kind: "number", steps: [128, 256, 512, 1024] },
  { name: "layout", kind: "select" },
  { name: "outputs", kind: "ticks", layouts: ["sam6d"] },
  { name: "colorize", kind: "tick" },
  { name: "base_color", kind: "number", step: 0.01, when: (values) => values.colorize },
  { name: "tessellation", kind: "choice", formats: ["step", "stp", "iges", "igs"] },
  { name: "samples", kind: "number", more: true },
  { name: "normalize", kind: "tick", more: true },
  { name: "recenter", kind: "tick", more: true },
  { name: "obj_axes", kind: "choice", more: true, formats: ["obj"] },
  { name: "priority", kind: "choice", more: true, usual: "interactive" },
  { name: "templates_subfolder", kind: "tick", more: true, layouts: ["sam6d"] },
  { name: "object_id", kind: "number", more: true },
  { name: "dataset", kind: "text", more: true },
  { name: "camera", kind: "json", more: true },
];

/** Level of the cameras that a layout wants where none is chosen; null where they are no level's. */
export const levelOf = ({ level, layout }) => level ?? (layout === "foundpose" ? null : layout === "gigapose" ? 1 : 0);

/** A value without what was left out: a job tells all that its camera could say, null where it says nothing. */
export function given(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null).map(([name, inner]) => [name, given(inner)]);
  return Object.fromEntries(kept);
}

/** The server's own description of each option: `{default, choices, minimum, maximum, description}` by name. */
export async function describedOptions() {
  const { components } = await getJson("openapi.json");
  const { properties } = components.schemas.RenderRequest;
  return Object.fromEntries(OPTIONS.filter(({ name }) => properties[name]).map(({ name }) => [name, described(properties[name])]));
}

function described(schema) {
  const forms = [schema, ...(schema.anyOf ?? [])];
  const first = (key) => forms.map((form) => form[key]).find((value) => value !== undefined);
  return {
    default: schema.default ?? null,
    choices: first("enum") ?? first("items")?.enum,
    minimum: first("minimum"),
    maximum: first("maximum"),
    pattern: first("pattern"),
    description: schema.description ?? "",
  };
}
