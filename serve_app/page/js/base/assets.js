// Where the page's own files are: beside this one, whatever the server put before their path.

/** The address of a file below `page/`. */
export const asset = (path) => new URL(`../../${path}`, import.meta.url).href;
