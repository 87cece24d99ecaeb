// What the page keeps: choices for good, the key for this session only. A browser may refuse either; then nothing is kept.

const at = (store, work) => {
  try {
    return work(window[store]);
  } catch {
    return null;
  }
};

export const read = (name) => at("localStorage", (store) => store.getItem(`render-server.${name}`));
export const write = (name, value) => at("localStorage", (store) => store.setItem(`render-server.${name}`, value));

let keyHere = null;
export const readKey = () => keyHere ?? at("sessionStorage", (store) => store.getItem("render-server.key"));
export const writeKey = (value) => {
  keyHere = value;
  at("sessionStorage", (store) => (value ? store.setItem("render-server.key", value) : store.removeItem("render-server.key")));
};
