// The page's words, in the language that was chosen, or the browser's.

import { asset } from "./assets.js";
import { read, write } from "./storage.js";

export const LANGUAGES = { en: "English", ko: "한국어" };
let words = {};
let language = "en";

export const currentLanguage = () => language;

function wanted() {
  const chosen = read("language");
  if (chosen in LANGUAGES) return chosen;
  return navigator.languages.map((name) => name.slice(0, 2)).find((name) => name in LANGUAGES) ?? "en";
}

/** Load the words, and those about errors by their code; English ones stand in where a language lacks some. */
export async function loadLanguage(name = wanted()) {
  const files = ["en", "errors/en", ...(name === "en" ? [] : [name, `errors/${name}`])];
  words = Object.assign({}, ...(await Promise.all(files.map((file) => fetch(asset(`i18n/${file}.json`)).then((answer) => answer.json())))));
  language = name;
  document.documentElement.lang = name;
}

export async function chooseLanguage(name) {
  write("language", name);
  await loadLanguage(name);
}

/** Text by its key, with `{names}` replaced by values. A key that is unknown is shown as it is. */
export function t(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Like `t` for a number: `key.one` where the number is one and the language tells it apart, `key.many` otherwise. */
export function tn(key, count, values = {}) {
  const form = new Intl.PluralRules(language).select(count) === "one" ? "one" : "many";
  return t(`${key}.${form}`, { count: new Intl.NumberFormat(language).format(count), ...values });
}

export const hasText = (key) => key in words;
