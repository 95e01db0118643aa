// Elements made of text nodes and attributes only: nothing here parses markup.

type Child = Node | string | undefined | false;
type Listener = (event: any) => void;
type Settings = Record<string, string | number | boolean | Listener | undefined>;

/** An element; `on...` settings listen, true and false set or leave a bare attribute. */
export function el<K extends keyof HTMLElementTagNameMap>(
  name: K,
  settings: Settings = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(name), settings, children);
}

export const svg = (name: string, settings: Settings = {}, ...children: Child[]): SVGElement =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", name) as SVGElement, settings, children);

function fill<E extends Element>(element: E, settings: Settings, children: Child[]): E {
  for (const [key, value] of Object.entries(settings)) {
    if (typeof value === "function") on(element, { [key.slice(2)]: value });
    else if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== false));
  return element;
}

export const boundsOf = (element: Element): DOMRect => element.getBoundingClientRect();

/** Listen to several events; none of the listeners is passive. */
export const on = (target: EventTarget, listeners: Record<string, Listener>): void => {
  for (const [name, listener] of Object.entries(listeners)) target.addEventListener(name, listener, { passive: false });
};

export const button = (text: Child, onclick: () => void, name?: string, settings: Settings = {}): HTMLButtonElement =>
  el("button", { type: "button", "aria-label": name, title: name, onclick, ...settings }, text);

export const paragraph = (kind: string, text: string): HTMLElement => el("p", { class: kind }, text);

/** Labels and values. */
export const pairs = (of: readonly (readonly [string, string])[]): HTMLElement =>
  el("dl", {}, ...of.flatMap(([label, value]) => [el("dt", {}, label), el("dd", {}, foreign(value))]));

/** Foreign text that cannot disturb the direction of what stands around it. */
export const foreign = (text: string): HTMLElement => el("bdi", {}, text);

/** Where a function stands; nothing for what stands nowhere. */
export const placeOf = (place: string): HTMLElement | undefined =>
  place ? el("span", { class: "place" }, foreign(place)) : undefined;

export const download = (name: string, type: string, content: BlobPart): void => {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = el("a", { href: url, "download": name });
  document.body.append(link);
  link.click();
  link.remove();
  // The browser has taken the content over by then; at once would be too early for some.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
};
