// The address says what is shown, so that it can be sent to a colleague: `?job=ID`, `?view=jobs&status=failed`.

const starts = new Set();

export const parameters = () => Object.fromEntries(new URLSearchParams(location.search));

/** The address for parameters; those that are empty are left out. */
export function addressOf(wanted) {
  const given = Object.entries(wanted).filter(([, value]) => value != null && value !== "");
  const text = new URLSearchParams(given).toString();
  return text ? `?${text}` : location.pathname;
}

/** Show something else. */
export function go(wanted) {
  history.pushState(null, "", addressOf(wanted));
  starts.forEach((start) => start());
}

/** Keep a choice in the address without a step in the history. */
export function keep(changes) {
  history.replaceState(null, "", addressOf({ ...parameters(), ...changes }));
}

/** Call `start` now and whenever the address changes; with `true` where one goes back or forward in the history. */
export function onAddress(start) {
  starts.add(start);
  history.scrollRestoration = "manual"; // What is to be scrolled is not there yet.
  window.addEventListener("popstate", () => start(true));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || link.target || link.download) return;
    if (link.origin !== location.origin || link.pathname !== location.pathname || link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    start();
  });
  start();
}
