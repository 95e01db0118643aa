// Elements made of text nodes and attributes only: nothing here parses markup.

type Child = Node | string | undefined;
type Settings = Record<string, string | number | boolean | ((event: any) => void) | undefined>;

/** An element; `on...` settings listen, true and false set or leave a bare attribute. */
export function el<K extends keyof HTMLElementTagNameMap>(
  name: K,
  settings: Settings = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(name), settings, children);
}

export function svg(name: string, settings: Settings = {}, ...children: Child[]): SVGElement {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name) as SVGElement, settings, children);
}

function fill<E extends Element>(element: E, settings: Settings, children: Child[]): E {
  for (const [key, value] of Object.entries(settings)) {
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== undefined && value !== false) element.setAttribute(key, String(value));
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** Foreign text that cannot disturb the direction of what stands around it. */
export function foreign(text: string): HTMLElement {
  return el("bdi", {}, text);
}

export function download(name: string, type: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has taken the content over by then; at once would be too early for some.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
